// Time as the control thread sees it, injected so that tests turn it by hand: the monotonic axis of
// alerts and the ledger, and the wall clock of log lines.
#pragma once

#include <chrono>
#include <cstdint>

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

// One moment on both axes.
struct Moment {
  base::Micros monotonic;
  WallTime wall;
};

// The narrowest of a few readings: a thread that loses its core between the two clocks would date
// everything that it says about the past by as much too late.
[[nodiscard]] inline Moment read_both(const Clock& clock) noexcept {
  constexpr int kTries = 3;
  constexpr base::Micros kNarrow{2};
  Moment best;
  base::Micros width_best{~std::uint64_t{0}};
  for (int i = 0; i < kTries && width_best > kNarrow; ++i) {
    const base::Micros before = clock.monotonic();
    const WallTime wall = clock.wall();
    const base::Micros width = base::elapsed(before, clock.monotonic());
    if (width >= width_best) continue;
    width_best = width;
    best = {before, wall};
  }
  return best;
}

}  // namespace edgesentry::control
