#include "plane/idle_pace.h"

#include <gtest/gtest.h>

namespace edgesentry::plane {
namespace {

constexpr std::uint32_t kRoundsBeforeSleep = IdlePace::kSpinRounds + IdlePace::kPauseRounds;

TEST(IdlePace, spins_then_pauses_then_sleeps) {
  IdlePace pace(config::Idle::adaptive);
  for (std::uint32_t i = 0; i < kRoundsBeforeSleep; ++i) {
    const IdlePace::Step step = pace.next();
    EXPECT_EQ(step.sleep_micros, 0u) << "round " << i;
    EXPECT_EQ(step.pauses, i < IdlePace::kSpinRounds ? 0u : IdlePace::kPausesPerRound);
  }
  EXPECT_EQ(pace.next().sleep_micros, IdlePace::kSleepMinMicros);
}

TEST(IdlePace, sleeps_longer_each_time_up_to_its_bound) {
  IdlePace pace(config::Idle::adaptive);
  for (std::uint32_t i = 0; i < kRoundsBeforeSleep; ++i) (void)pace.next();
  std::uint32_t before = 0;
  for (int i = 0; i < 64; ++i) {
    const std::uint32_t sleep = pace.next().sleep_micros;
    EXPECT_GE(sleep, before);
    EXPECT_LE(sleep, IdlePace::kSleepMaxMicros);
    before = sleep;
  }
  EXPECT_EQ(before, IdlePace::kSleepMaxMicros);
}

TEST(IdlePace, is_awake_again_with_the_first_packet) {
  IdlePace pace(config::Idle::adaptive);
  for (std::uint32_t i = 0; i < kRoundsBeforeSleep + 10; ++i) (void)pace.next();
  pace.worked();
  EXPECT_EQ(pace.next().sleep_micros, 0u);
  for (std::uint32_t i = 1; i < kRoundsBeforeSleep; ++i) (void)pace.next();
  EXPECT_EQ(pace.next().sleep_micros, IdlePace::kSleepMinMicros);
}

TEST(IdlePace, never_rests_when_told_to_poll) {
  IdlePace pace(config::Idle::poll);
  for (std::uint32_t i = 0; i < 3 * kRoundsBeforeSleep; ++i) {
    const IdlePace::Step step = pace.next();
    ASSERT_EQ(step.sleep_micros, 0u);
    ASSERT_EQ(step.pauses, 0u);
  }
}

}  // namespace
}  // namespace edgesentry::plane
