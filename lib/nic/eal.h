// DPDK's environment as one object: alive from start() to the destructor, once per process.
//
// Called by main on the thread that becomes DPDK's main lcore; it keeps the CPUs that the plan gave
// it, and so do threads started afterwards. Ports and pools must be gone before it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "nic/eal_log.h"
#include "nic/eal_plan.h"

namespace edgesentry::nic {

class Eal {
 public:
  // On failure the sentence carries what DPDK said. Nothing is printed by DPDK itself.
  static base::Result<std::unique_ptr<Eal>> start(const EalPlan& plan);
  ~Eal();
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;

  // Cores for workers, in order; as many as were asked for, or more.
  // The CPU of each, the first where an lcore has several.
  [[nodiscard]] std::vector<unsigned> worker_cpus() const;
  [[nodiscard]] const std::vector<std::uint32_t>& worker_lcores() const noexcept {
    return worker_lcores_;
  }
  // Where DPDK has its sockets and files, which it removes at the end.
  [[nodiscard]] std::string runtime_folder() const;
  [[nodiscard]] EalLog& log() noexcept { return log_; }

 private:
  Eal() = default;
  EalLog log_;
  std::vector<std::string> arguments_;  // DPDK keeps pointers into them
  std::vector<char*> argv_;
  std::vector<std::uint32_t> worker_lcores_;
  bool is_up_ = false;
};

}  // namespace edgesentry::nic
