// When each record of a worker has to be looked at again, so that silence becomes a failure when it
// has lasted, not when a sweep comes by: who else is watched by the same worker must not matter.
// While nothing is due, asking costs one comparison. Memory is given; owner: one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>

#include "base/units.h"

namespace edgesentry::scan {

class DueSlots {
 public:
  static constexpr base::Micros kNever{std::numeric_limits<std::uint64_t>::max()};

  DueSlots() = default;
  explicit DueSlots(std::span<base::Micros> times) noexcept : times_(times) {
    std::fill(times.begin(), times.end(), kNever);
  }

  // Slots are 1 to the number of times.
  void wake_by(std::uint16_t slot, base::Micros time) noexcept {
    base::Micros& due = times_[slot - 1u];
    due = std::min(due, time);
    first_ = std::min(first_, time);
  }
  // One that is due, which it then is no more; 0: none. Takes turns.
  [[nodiscard]] std::uint16_t take(base::Micros now) noexcept {
    if (now < first_) return 0;
    first_ = kNever;
    for (std::size_t i = 0; i < times_.size(); ++i) {
      hand_ = hand_ + 1 < times_.size() ? hand_ + 1 : 0;
      first_ = std::min(first_, times_[hand_]);
      if (now < times_[hand_]) continue;
      first_ = {0};  // there may be more
      times_[hand_] = kNever;
      return static_cast<std::uint16_t>(hand_ + 1);
    }
    return 0;
  }

 private:
  std::span<base::Micros> times_;
  base::Micros first_ = kNever;  // no slot is due before
  std::size_t hand_ = 0;
};

}  // namespace edgesentry::scan
