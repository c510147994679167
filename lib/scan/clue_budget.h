// How many clues about crowds one worker may send: a token bucket, so that a flood of forged
// sources cannot fill the ring to control, which decisions need too.
//
// Owner: one worker. Time is passed in; a step back counts as no time. Integers only.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/units.h"

namespace edgesentry::scan {

class ClueBudget {
 public:
  // A crowd is known by a few dozen clues; above 100 a second control takes them for a flood
  // (policy/crowd.h). 2000 a second leave room for twenty crowds at once on every worker and cost
  // the control thread some 1 % of a core.
  static constexpr std::uint64_t kPerSecond = 2000;

  [[nodiscard]] bool take(base::Micros now) noexcept {
    if (now > last_) {
      const std::uint64_t passed = std::min(base::elapsed(last_, now).value, kSecond);
      tokens_ = std::min(kFull, tokens_ + passed * kPerSecond);
    }
    last_ = now;
    if (tokens_ < kSecond) return false;
    tokens_ -= kSecond;
    return true;
  }

 private:
  static constexpr std::uint64_t kSecond = 1'000'000;
  static constexpr std::uint64_t kFull = kPerSecond * kSecond;  // in millionths of a clue
  std::uint64_t tokens_ = kFull;
  base::Micros last_{};
};

}  // namespace edgesentry::scan
