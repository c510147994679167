// The time that a replay shows to the engine: the capture's own, made to run forward only.
//
// One owner. A record a little out of order does not turn time back; a capture clock that was set
// back by more than a minute is followed from its new value; a gap is shortened to a day, because
// nothing that detectors remember is older than that.
#pragma once

#include <algorithm>

#include "base/units.h"

namespace edgesentry::replay {

inline constexpr base::Micros kGapMax = base::seconds(24 * 3600);
inline constexpr base::Micros kDisorderMax = base::seconds(60);

class VirtualClock {
 public:
  base::Micros advance(base::Micros captured) noexcept {
    if (!has_started_) {
      has_started_ = true;
      // Captures with timestamps near 0 exist; engines may take time 0 for "never".
      now_ = std::max(captured, kGapMax);
      reference_ = captured;
    } else if (captured >= reference_) {
      now_ = now_ + std::min(base::elapsed(reference_, captured), kGapMax);
      reference_ = captured;
    } else if (base::elapsed(captured, reference_) > kDisorderMax) {
      reference_ = captured;
    }
    return now_;
  }
  [[nodiscard]] base::Micros now() const noexcept { return now_; }
  [[nodiscard]] bool has_started() const noexcept { return has_started_; }

 private:
  base::Micros now_{}, reference_{};
  bool has_started_ = false;
};

// Calls tick(time) for the time between two packets as a worker would, every 10 ms; past ten quiet
// seconds in about 1,000 longer steps, so that a gap of days costs no more than twenty seconds.
// Returns the time of the last tick.
template <class Tick>
base::Micros tick_between(base::Micros from, base::Micros to, Tick&& tick) {
  constexpr base::Micros kStep = base::milliseconds(10);
  constexpr std::uint64_t kStepsMax = 1000;
  base::Micros at = from;
  for (std::uint64_t i = 0; i < kStepsMax && at + kStep <= to; ++i) tick(at = at + kStep);
  const base::Micros step{std::max(kStep.value, base::elapsed(at, to).value / kStepsMax)};
  while (at + step <= to) tick(at = at + step);
  return at;
}

}  // namespace edgesentry::replay
