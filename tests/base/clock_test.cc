// The TSC as time: arithmetic on made-up ticks, and bounds that hold on any machine.
#include "base/clock.h"

#include <gtest/gtest.h>

namespace edgesentry::base {
namespace {

constexpr std::uint64_t kHz = 2'500'000'000;

TEST(TscClock, turns_ticks_into_microseconds) {
  const TscClock clock(1000, seconds(5), kHz);
  EXPECT_EQ(clock.at(1000), seconds(5));
  EXPECT_EQ(clock.at(1000 + kHz), Micros{5'999'999});  // the multiplier is rounded down
  EXPECT_EQ(clock.at(1000 + kHz / 1000 + 1), Micros{5'001'000});
}

TEST(TscClock, stays_within_a_microsecond_an_hour_of_exact) {
  for (const std::uint64_t hz :
       {1'000'000ull, 999'999'937ull, 2'100'000'000ull, 5'700'000'001ull}) {
    const TscClock clock(0, Micros{0}, hz);
    const std::uint64_t shown = clock.at(hz * 3600).value;
    EXPECT_LE(shown, 3'600'000'000u) << hz;
    EXPECT_GE(shown + 4, 3'600'000'000u) << hz;
  }
}

TEST(TscClock, does_not_overflow_in_ten_years) {
  constexpr std::uint64_t kSeconds = 10ull * 365 * 86'400;
  const TscClock clock(0, Micros{0}, kHz);
  EXPECT_NEAR(static_cast<double>(clock.at(kHz * kSeconds).value), kSeconds * 1e6, 1e6);
}

TEST(TscClock, takes_ticks_before_its_anchor_as_the_anchor) {
  const TscClock clock(1000, seconds(5), kHz);
  EXPECT_EQ(clock.at(999), seconds(5));
  EXPECT_EQ(clock.at(0), seconds(5));
}

TEST(TscClock, runs_on_the_kernels_axis) {
  TscClock clock = TscClock::calibrate();
  EXPECT_GT(clock.hz(), 500'000'000u);
  EXPECT_LT(clock.hz(), 10'000'000'000u);
  const Micros before = monotonic_now();
  clock.re_anchor();
  const Micros between = clock.now();
  const Micros after = monotonic_now();
  // One microsecond: both clocks are cut to whole ones.
  EXPECT_GE(between.value + 1, before.value);
  EXPECT_LE(between.value, after.value + 1);
}

TEST(TscClock, never_runs_backwards_between_anchors) {
  const TscClock clock = TscClock::calibrate();
  Micros last = clock.now();
  for (int i = 0; i < 100'000; ++i) {
    const Micros now = clock.now();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(MonotonicNow, does_not_run_backwards) {
  Micros last = monotonic_now();
  for (int i = 0; i < 100'000; ++i) {
    const Micros now = monotonic_now();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(TscClockDeathTest, refuses_a_rate_no_tsc_has) {
  EXPECT_DEATH(TscClock(0, Micros{0}, 999'999), "faster than 1 MHz");
}

}  // namespace
}  // namespace edgesentry::base
