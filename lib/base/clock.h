// Where live time comes from: the kernel's monotonic clock, and the same axis read from the TSC
// for workers, whose burst must not cost a system call.
//
// A TscClock is calibrated once at start (about 20 ms) and then belongs to one thread. Its rate is
// good to some 50 ppm, so the owner calls re_anchor() about once a second, outside the burst loop's
// hot part; a re-anchored clock may step back by the microseconds it had gained, which elapsed()
// treats as no time. Needs an invariant TSC, as every x86-64-v3 server has. No DPDK.
#pragma once

#include <cstdint>

#include "base/units.h"

namespace edgesentry::base {

// CLOCK_MONOTONIC, counted from a hundred years before it: what happened before the machine was
// started has its place on the axis too. Any thread.
[[nodiscard]] Micros monotonic_now() noexcept;

class TscClock {
 public:
  // Ticks `tsc` and time `now` were read at one moment; `hz` ticks make a second.
  TscClock(std::uint64_t tsc, Micros now, std::uint64_t hz) noexcept;

  // Measures the TSC against CLOCK_MONOTONIC; sleeps for about 20 ms.
  [[nodiscard]] static TscClock calibrate();

  [[nodiscard]] static std::uint64_t ticks() noexcept { return __builtin_ia32_rdtsc(); }
  [[nodiscard]] std::uint64_t hz() const noexcept { return hz_; }

  [[nodiscard]] Micros at(std::uint64_t tsc) const noexcept {
    // Ticks of another core may lie a few cycles before the anchor: the anchor then.
    const std::uint64_t since = tsc > anchor_tsc_ ? tsc - anchor_tsc_ : 0;
    return {anchor_.value + static_cast<std::uint64_t>((Wide{since} * multiplier_) >> kShift)};
  }
  [[nodiscard]] Micros now() const noexcept { return at(ticks()); }

  void re_anchor() noexcept;

 private:
  __extension__ typedef unsigned __int128 Wide;
  // 2^44 * 1e6 / 3e9 Hz is about 2^32.4: one part in 2^32 of rounding, and it fits 64 bits for any
  // rate above 1 MHz.
  static constexpr unsigned kShift = 44;

  std::uint64_t anchor_tsc_;
  Micros anchor_;
  std::uint64_t hz_;
  std::uint64_t multiplier_;
};

}  // namespace edgesentry::base
