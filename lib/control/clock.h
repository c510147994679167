// Time as the control thread sees it, injected so that tests turn it by hand: the monotonic axis of
// alerts and the ledger, and the wall clock of log lines.
#pragma once

#include <chrono>

#include "base/clock.h"
#include "base/units.h"

namespace edgesentry::control {

using WallTime = std::chrono::system_clock::time_point;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual base::Micros monotonic() const noexcept = 0;
  [[nodiscard]] virtual WallTime wall() const noexcept = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] base::Micros monotonic() const noexcept override { return base::monotonic_now(); }
  [[nodiscard]] WallTime wall() const noexcept override { return std::chrono::system_clock::now(); }
};

}  // namespace edgesentry::control
