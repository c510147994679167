// Results, invariants, units and counters: the small words every floor uses.
#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>

#include "base/counter.h"
#include "base/units.h"

namespace edgesentry::base {
namespace {

TEST(Result, is_a_value_or_an_error) {
  const Result<int> good(7);
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(good.value(), 7);
  const Result<int> bad(Error{"ports: 'x' is not a port"});
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().text, "ports: 'x' is not a port");
}

TEST(Result, hands_on_a_value_that_can_only_move) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(3));
  const std::unique_ptr<int> taken = std::move(result).value();
  EXPECT_EQ(*taken, 3);
}

TEST(Status, is_good_unless_told_otherwise) {
  EXPECT_TRUE(Status{}.ok());
  const Status bad(Error{"no"});
  EXPECT_FALSE(bad);
  EXPECT_EQ(bad.error().text, "no");
}

TEST(ResultDeathTest, ends_the_process_when_the_wrong_half_is_read) {
  const Result<int> good(7);
  const Result<int> bad(Error{"no"});
  EXPECT_DEATH((void)good.error(), "broken invariant.*error\\(\\)");
  EXPECT_DEATH((void)bad.value(), "broken invariant.*value\\(\\)");
  EXPECT_DEATH((void)Status{}.error(), "broken invariant");
}

TEST(CheckDeathTest, says_condition_reason_and_place) {
  EXPECT_DEATH(EDGESENTRY_CHECK(1 > 2, "one is less"),
               "result_test.cc:[0-9]+: 1 > 2 .one is less.");
}

TEST(Elapsed, is_zero_where_time_runs_backwards) {
  EXPECT_EQ(elapsed(seconds(1), seconds(3)), seconds(2));
  EXPECT_EQ(elapsed(seconds(3), seconds(1)), Micros{0});
  EXPECT_EQ(elapsed(seconds(3), seconds(3)), Micros{0});
  EXPECT_EQ(seconds(1), milliseconds(1000));
}

TEST(Counter, adds_and_is_set) {
  Counter counter;
  EXPECT_EQ(counter.value(), 0u);
  counter.add(3);
  counter.add(4);
  EXPECT_EQ(counter.value(), 7u);
  counter.set(1);
  EXPECT_EQ(counter.value(), 1u);
}

}  // namespace
}  // namespace edgesentry::base
