#include "policy/timer_wheel.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace edgesentry::policy {
namespace {

using base::Micros;

std::vector<std::uint32_t> take_all(TimerWheel& wheel, Micros now) {
  std::vector<std::uint32_t> due;
  std::uint32_t steps = 1u << 30;
  while (const auto slot = wheel.take_due(now, steps)) due.push_back(*slot);
  return due;
}

TEST(TimerWheel, fires_at_the_deadline_and_not_a_microsecond_before) {
  for (const std::uint64_t deadline :
       {1ull, 63ull, 64ull, 65ull, 4095ull, 4096ull, 600'000'000ull, 1ull << 40, ~0ull - 1}) {
    TimerWheel wheel;
    wheel.grow(1);
    wheel.set(0, Micros{deadline});
    EXPECT_TRUE(take_all(wheel, Micros{deadline - 1}).empty()) << deadline;
    EXPECT_EQ(take_all(wheel, Micros{deadline}).size(), 1u) << deadline;
    EXPECT_FALSE(wheel.is_armed(0));
  }
}

TEST(TimerWheel, treats_a_deadline_in_the_past_as_due) {
  TimerWheel wheel;
  wheel.grow(1);
  EXPECT_TRUE(take_all(wheel, Micros{1'000'000}).empty());
  wheel.set(0, Micros{5});
  EXPECT_EQ(take_all(wheel, Micros{1'000'000}).size(), 1u);
}

TEST(TimerWheel, forgets_a_cancelled_deadline) {
  TimerWheel wheel;
  wheel.grow(3);
  for (std::uint32_t slot = 0; slot < 3; ++slot) wheel.set(slot, Micros{100});
  wheel.cancel(1);
  EXPECT_EQ(take_all(wheel, Micros{100}).size(), 2u);
  wheel.set(1, Micros{200});
  EXPECT_EQ(take_all(wheel, Micros{200}), std::vector<std::uint32_t>{1});
}

TEST(TimerWheel, goes_on_after_running_out_of_steps_without_losing_or_misordering) {
  TimerWheel wheel;
  constexpr std::uint32_t kSlots = 1000;
  wheel.grow(kSlots + 1);
  for (std::uint32_t slot = 0; slot < kSlots; ++slot)
    wheel.set(slot, Micros{70'000'000 + slot % 7});
  std::vector<std::uint32_t> due;
  for (int calls = 0; calls < 10'000 && due.size() < kSlots; ++calls) {
    std::uint32_t steps = 3;
    while (const auto slot = wheel.take_due(Micros{70'000'003}, steps)) {
      EXPECT_LE(*slot % 7, 3u);
      due.push_back(*slot);
    }
  }
  EXPECT_EQ(due.size(), 572u);  // 143 slots for each residue from 0 to 3
  EXPECT_EQ(take_all(wheel, Micros{70'000'006}).size(), kSlots - 572u);
}

TEST(TimerWheel, agrees_with_an_ordered_map_over_random_operations) {
  constexpr std::uint64_t kSeed = 20261123;
  SCOPED_TRACE(kSeed);
  std::mt19937_64 random(kSeed);
  constexpr std::uint32_t kSlots = 512;
  TimerWheel wheel;
  wheel.grow(kSlots);
  std::map<std::uint32_t, std::uint64_t> model;
  std::uint64_t now = 1;
  for (int round = 0; round < 20'000; ++round) {
    const auto slot = static_cast<std::uint32_t>(random() % kSlots);
    if (model.contains(slot)) {
      wheel.cancel(slot);
      model.erase(slot);
    } else {
      const std::uint64_t deadline = now + random() % (1ull << (random() % 40));
      wheel.set(slot, Micros{deadline});
      model[slot] = deadline;
    }
    now += random() % (1ull << (random() % 30));
    std::uint64_t last = 0;
    for (const std::uint32_t due : take_all(wheel, Micros{now})) {
      ASSERT_TRUE(model.contains(due));
      ASSERT_LE(model[due], now);
      ASSERT_GE(model[due], last) << "earliest first";
      last = model[due];
      model.erase(due);
    }
    for (const auto& [left, deadline] : model) ASSERT_GT(deadline, now) << left;
  }
}

}  // namespace
}  // namespace edgesentry::policy
