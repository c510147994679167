// Whether everything still goes round: the workers and the control thread. Tells systemd
// (sd_notify(3): ready, alive, stopping).
//
// Owner: main. Not being alive is not told, so that a unit with WatchdogSec= starts the appliance
// anew. How long something has been silent is counted in looks of this thread: when the whole
// machine has stood still, nothing has.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/units.h"
#include "control/numbers.h"
#include "scan/tally.h"

namespace edgesentry::appliance {

class Watchdog {
 public:
  // What it looks at outlives it.
  Watchdog(std::span<const scan::Tally* const> workers, const control::Numbers& control,
           base::Micros stalled_after);

  // Packets flow.
  void ready(const std::string& status) const;
  void stopping() const;
  // look() is called at least so often.
  [[nodiscard]] std::chrono::milliseconds pause() const noexcept { return pause_; }
  void look(base::Micros now);

  // Since the last sign of life.
  [[nodiscard]] base::Micros silence_of(std::size_t worker) const noexcept {
    return pulses_[worker].silent;
  }
  [[nodiscard]] base::Micros silence_of_control() const noexcept { return pulses_.back().silent; }
  [[nodiscard]] bool stands(base::Micros silence) const noexcept {
    return silence >= stalled_after_;
  }

 private:
  struct Pulse {
    std::uint64_t beat = 0;
    base::Micros silent;
  };
  void feel(Pulse& pulse, std::uint64_t beat, base::Micros passed) const;

  std::span<const scan::Tally* const> workers_;
  const control::Numbers& control_;
  base::Micros stalled_after_;
  std::chrono::milliseconds pause_{250};
  base::Micros looked_;
  std::vector<Pulse> pulses_;  // each worker, and then control
};

}  // namespace edgesentry::appliance
