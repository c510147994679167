#include "enforce/filter.h"

#include <gtest/gtest.h>

namespace edgesentry::enforce {
namespace {

constexpr std::uint64_t kDay = 24 * 3600;

TEST(Filter, finds_a_time_limit_too_short_that_ends_before_its_block) {
  EXPECT_TRUE(ends_too_soon(3, 660));
  EXPECT_TRUE(ends_too_soon(629, 660));
  EXPECT_FALSE(ends_too_soon(630, 660));  // the block itself ends after 600
  EXPECT_FALSE(ends_too_soon(660, 660));
  EXPECT_FALSE(ends_too_soon(8'640'000, 660));  // the ledger ends it
}

TEST(Filter, finds_any_time_limit_too_short_for_what_is_to_stay) {
  EXPECT_TRUE(ends_too_soon(1'000'000, 0));
  EXPECT_FALSE(ends_too_soon(std::nullopt, 0));
  EXPECT_FALSE(ends_too_soon(std::nullopt, 660));
}

TEST(Filter, leaves_a_long_time_limit_to_the_replay_that_renews_it) {
  EXPECT_FALSE(ends_too_soon(14 * kDay - 6 * 3600, 14 * kDay));
  EXPECT_TRUE(ends_too_soon(13 * kDay, 14 * kDay));
}

}  // namespace
}  // namespace edgesentry::enforce
