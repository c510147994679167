// Faults that are switched on by hand, to try out what docs/failure.md says: the `fault` command of
// the unix socket. Each acts where the real one would. Without --faults on the command line the
// command is refused, so that nobody meets it by accident.
//
// run(): any thread, beside the control thread, which may be what hangs. look(): main.
#pragma once

#include <array>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "control/fault_switches.h"
#include "edgesentryd/nics.h"
#include "plane/plane.h"

namespace edgesentry::appliance {

class Faults {
 public:
  explicit Faults(bool is_allowed);
  ~Faults();
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;

  // Before run(); both outlive the last fault.
  void connect(const Nics& nics, plane::Plane& plane);
  [[nodiscard]] static bool is_meant(const nlohmann::json& request);
  // {"command": "fault", "action": "inject", "name": "worker_stalled", "for": 5, "where": 1}
  [[nodiscard]] nlohmann::json run(const nlohmann::json& request);
  // What has lasted long enough ends; what has to be renewed is.
  void look(base::Micros now);
  void clear_all();

  [[nodiscard]] const control::FaultSwitches* switches() const noexcept {
    return is_allowed_ ? &switches_ : nullptr;
  }
  [[nodiscard]] const control::Clock& clock() const noexcept { return clock_; }

 private:
  struct Active {
    std::string name;
    std::int64_t where = 0;  // a worker, a port, or seconds: what the fault is about
    base::Micros until;      // 0: until it is cleared
  };
  base::Status switch_one(const Active& fault, bool is_on);
  base::Status limit_files(bool is_on);
  [[nodiscard]] nlohmann::json inject(const nlohmann::json& request);
  [[nodiscard]] nlohmann::json clear(const std::string& name);

  const bool is_allowed_;
  control::FaultSwitches switches_;
  control::SwitchedClock clock_{switches_};
  const Nics* nics_ = nullptr;
  plane::Plane* plane_ = nullptr;
  std::mutex mutex_;
  std::vector<Active> active_;
  std::vector<rte_mbuf*> taken_;  // packet buffers
};

}  // namespace edgesentry::appliance
