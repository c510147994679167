// Whether everything still goes round: the workers and the control thread. Tells systemd
// (sd_notify(3): ready, alive, stopping), and people when something stands still.
//
// Owner: main. Not being alive is not told, so that a unit with WatchdogSec= starts the appliance
// anew. Without systemd only the sentences are left.
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "control/numbers.h"
#include "scan/tally.h"

namespace edgesentry::appliance {

class Watchdog {
 public:
  using Say = std::function<void(std::string_view)>;

  // What it looks at outlives it.
  Watchdog(std::span<const scan::Tally* const> workers, const control::Numbers& control, Say say);

  // Packets flow.
  void ready(const std::string& status) const;
  void stopping() const;
  // Called at least so often.
  [[nodiscard]] std::chrono::milliseconds pause() const noexcept { return pause_; }
  // Says what has come to stand since the last look, and what goes round again.
  void look(base::Micros now);

 private:
  struct Looked {
    std::string name;
    bool stands = false;
  };
  void look_at(Looked& looked, base::Micros last, base::Micros now);

  std::span<const scan::Tally* const> workers_;
  const control::Numbers& control_;
  Say say_;
  std::chrono::milliseconds pause_{1000};
  std::vector<Looked> looked_;  // each worker, and then control
};

}  // namespace edgesentry::appliance
