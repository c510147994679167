#include "signature/token_bucket.h"

#include <gtest/gtest.h>

namespace edgesentry::signature {
namespace {

using base::milliseconds;
using base::seconds;

TEST(TokenBucket, gives_its_burst_and_then_its_rate) {
  TokenBucket bucket(1000, 100);
  EXPECT_TRUE(bucket.take(100, seconds(5)));
  EXPECT_FALSE(bucket.take(1, seconds(5)));
  EXPECT_FALSE(bucket.take(11, seconds(5) + milliseconds(10)));
  EXPECT_TRUE(bucket.take(10, seconds(5) + milliseconds(10)));
  EXPECT_FALSE(bucket.take(1, seconds(5) + milliseconds(10)));
}

TEST(TokenBucket, takes_all_or_nothing) {
  TokenBucket bucket(1000, 100);
  EXPECT_FALSE(bucket.take(101, seconds(1)));
  EXPECT_TRUE(bucket.take(100, seconds(1)));
}

TEST(TokenBucket, is_full_after_a_pause_and_not_fuller) {
  TokenBucket bucket(1000, 100);
  EXPECT_TRUE(bucket.take(100, seconds(1)));
  EXPECT_FALSE(bucket.take(101, seconds(1000)));
  EXPECT_TRUE(bucket.take(100, seconds(1000)));
}

TEST(TokenBucket, gains_nothing_from_a_clock_that_steps_back) {
  TokenBucket bucket(1000, 100);
  EXPECT_TRUE(bucket.take(100, seconds(10)));
  EXPECT_FALSE(bucket.take(1, seconds(9)));
  EXPECT_FALSE(bucket.take(11, seconds(9) + milliseconds(10)));
  EXPECT_TRUE(bucket.take(10, seconds(9) + milliseconds(10)));
}

TEST(TokenBucket, loses_nothing_to_rounding) {
  TokenBucket bucket(1, 1);  // a byte a second, asked every microsecond
  EXPECT_TRUE(bucket.take(1, seconds(1)));
  std::uint64_t taken = 0;
  for (std::uint64_t at = 1; at <= 3'000'000; ++at)
    taken += bucket.take(1, seconds(1) + base::Micros{at});
  EXPECT_EQ(taken, 3u);
}

TEST(TokenBucket, holds_the_largest_rate_there_is) {
  TokenBucket bucket(UINT64_MAX, UINT64_MAX);
  EXPECT_TRUE(bucket.take(TokenBucket::kRateMax, seconds(1)));
  EXPECT_FALSE(bucket.take(1, seconds(1)));
  EXPECT_TRUE(bucket.take(TokenBucket::kRateMax, seconds(3600)));
  EXPECT_FALSE(bucket.take(UINT64_MAX, seconds(7200)));
}

}  // namespace
}  // namespace edgesentry::signature
