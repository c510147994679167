// How many bytes may be looked at: so many a second, and what a moment may take at once.
//
// One owner. Time is passed in and may step back, which counts as no time. Pure integers.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/units.h"

namespace edgesentry::signature {

class TokenBucket {
 public:
  static constexpr std::uint64_t kRateMax = 1'000'000'000'000;  // bytes a second

  // Starts full. `burst` is at most what comes in a second.
  TokenBucket(std::uint64_t bytes_per_second, std::uint64_t burst) noexcept
      : rate_(std::clamp<std::uint64_t>(bytes_per_second, 1, kRateMax)),
        full_(std::clamp<std::uint64_t>(burst, 1, rate_) * kMicrosPerSecond),
        tokens_(full_) {}

  [[nodiscard]] std::uint64_t burst() const noexcept { return full_ / kMicrosPerSecond; }

  // All of them or none. What is `kept` stays for those who keep less.
  bool take(std::uint64_t bytes, base::Micros now, std::uint64_t kept = 0) noexcept {
    refill(now);
    if (bytes + kept > tokens_ / kMicrosPerSecond) return false;
    tokens_ -= bytes * kMicrosPerSecond;
    return true;
  }

 private:
  // Tokens are counted in millionths of a byte, so that no slice of time is lost to rounding.
  static constexpr std::uint64_t kMicrosPerSecond = 1'000'000;
  static_assert(kRateMax <= UINT64_MAX / kMicrosPerSecond / 2, "a full bucket and a second fit");

  void refill(base::Micros now) noexcept {
    if (!is_started_ || now < last_) {
      is_started_ = true;
      last_ = now;
      return;
    }
    const std::uint64_t passed = std::min(base::elapsed(last_, now).value, kMicrosPerSecond);
    tokens_ = std::min(full_, tokens_ + passed * rate_);
    last_ = now;
  }

  std::uint64_t rate_;
  std::uint64_t full_;
  std::uint64_t tokens_;
  base::Micros last_;
  bool is_started_ = false;
};

}  // namespace edgesentry::signature
