#include "scan/due_slots.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace edgesentry::scan {
namespace {

using base::seconds;

class Due : public testing::Test {
 protected:
  std::set<int> taken(base::Micros now) {
    std::set<int> slots;
    while (const std::uint16_t slot = due_.take(now))
      EXPECT_TRUE(slots.insert(slot).second) << slot << " twice";
    return slots;
  }
  std::array<base::Micros, 100> times_;
  DueSlots due_{times_};
};

TEST_F(Due, slots_come_at_their_time_and_once) {
  EXPECT_EQ(due_.take(seconds(1000)), 0) << "nobody was to be woken";
  due_.wake_by(1, seconds(5));
  due_.wake_by(100, seconds(5));
  due_.wake_by(50, seconds(7));
  EXPECT_EQ(taken({seconds(5).value - 1}), std::set<int>{});
  EXPECT_EQ(taken(seconds(5)), (std::set<int>{1, 100}));
  EXPECT_EQ(taken(seconds(6)), std::set<int>{});
  EXPECT_EQ(taken(seconds(8)), std::set<int>{50});
}

TEST_F(Due, time_only_comes_nearer_until_it_has_come) {
  due_.wake_by(3, seconds(9));
  due_.wake_by(3, seconds(4));
  due_.wake_by(3, seconds(20));
  EXPECT_EQ(taken(seconds(4)), std::set<int>{3});
  due_.wake_by(3, seconds(20));
  EXPECT_EQ(taken(seconds(19)), std::set<int>{});
  EXPECT_EQ(taken(seconds(20)), std::set<int>{3});
}

TEST_F(Due, slots_take_turns_when_some_are_due_at_once_again) {
  for (std::uint16_t slot = 1; slot <= 4; ++slot) due_.wake_by(slot, seconds(1));
  std::multiset<int> seen;
  for (int i = 0; i < 8; ++i) {
    const std::uint16_t slot = due_.take(seconds(1));
    ASSERT_NE(slot, 0);
    seen.insert(slot);
    due_.wake_by(slot, seconds(1));
  }
  for (int slot = 1; slot <= 4; ++slot) EXPECT_EQ(seen.count(slot), 2u);
}

}  // namespace
}  // namespace edgesentry::scan
