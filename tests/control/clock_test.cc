#include "control/clock.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace edgesentry::control {
namespace {

// The wall clock runs at the monotonic one; the thread loses its core before each of the first
// readings of the wall clock.
class InterruptedClock final : public Clock {
 public:
  InterruptedClock(int interruptions, std::uint64_t micros)
      : interruptions_(interruptions), micros_(micros) {}

  [[nodiscard]] base::Micros monotonic() const noexcept override { return now_; }
  [[nodiscard]] WallTime wall() const noexcept override {
    ++readings;
    if (readings <= interruptions_) now_.value += micros_;
    return WallTime{} + std::chrono::microseconds(static_cast<std::int64_t>(now_.value));
  }

  mutable int readings = 0;

 private:
  int interruptions_;
  std::uint64_t micros_;
  mutable base::Micros now_ = base::seconds(5);
};

std::int64_t apart(const Moment& moment) {
  return (moment.wall - WallTime{}) / std::chrono::microseconds(1) -
         static_cast<std::int64_t>(moment.monotonic.value);
}

TEST(ReadBoth, reads_once_when_nothing_comes_between) {
  const InterruptedClock clock(0, 0);
  EXPECT_EQ(apart(read_both(clock)), 0);
  EXPECT_EQ(clock.readings, 1);
}

TEST(ReadBoth, reads_again_when_the_core_was_lost_between_the_clocks) {
  const InterruptedClock clock(2, 1600);
  EXPECT_EQ(apart(read_both(clock)), 0);
  EXPECT_EQ(clock.readings, 3);
}

TEST(ReadBoth, gives_up_with_what_it_has) {
  const InterruptedClock clock(100, 1600);
  EXPECT_EQ(apart(read_both(clock)), 1600);
  EXPECT_EQ(clock.readings, 3);
}

}  // namespace
}  // namespace edgesentry::control
