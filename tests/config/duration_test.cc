#include "config/duration.h"

#include <gtest/gtest.h>

#include <random>

namespace edgesentry::config {
namespace {

using std::chrono::milliseconds;

TEST(Duration, reads_each_unit_and_their_sums) {
  const std::vector<std::pair<std::string, std::int64_t>> cases = {
      {"0s", 0},           {"500ms", 500},       {"4s", 4'000},
      {"10m", 600'000},    {"1h30m", 5'400'000}, {"24h", 86'400'000},
      {"7d", 604'800'000}, {"1w", 604'800'000},  {"1d1h1m1s1ms", 90'061'001}};
  for (const auto& [text, expected] : cases) {
    const auto duration = parse_duration(text);
    ASSERT_TRUE(duration.ok()) << text;
    EXPECT_EQ(duration.value().count(), expected) << text;
  }
}

TEST(Duration, refuses_what_is_not_quite_one) {
  for (const char* text : {"", "10", "m", "-1s", "1.5h", "1 h", "1m1h", "1s1s", "1x", "1S", "1h30",
                           " 1s", "1s ", "9223372036854775807s", "99999999999999999999s"})
    EXPECT_FALSE(parse_duration(text).ok()) << text;
}

TEST(Duration, says_when_only_the_unit_is_missing) {
  EXPECT_EQ(parse_duration("10").error().text, "has no unit");
  EXPECT_EQ(parse_duration("1h30").error().text, "has no unit");
}

TEST(Duration, prints_what_it_reads) {
  EXPECT_EQ(format_duration(milliseconds(5'400'000)), "1h30m");
  EXPECT_EQ(format_duration(milliseconds(604'800'000)), "7d");
  EXPECT_EQ(format_duration(milliseconds(0)), "0s");
  std::mt19937_64 random(20240607);
  for (int i = 0; i < 10'000; ++i) {
    const milliseconds duration(random() >> (1 + random() % 63));
    const auto again = parse_duration(format_duration(duration));
    ASSERT_TRUE(again.ok()) << format_duration(duration);
    EXPECT_EQ(again.value(), duration);
  }
}

TEST(Count, knows_powers_of_1024) {
  EXPECT_EQ(parse_count("7").value(), 7);
  EXPECT_EQ(parse_count("64k").value(), 65'536);
  EXPECT_EQ(parse_count("16M").value(), 16'777'216);
  EXPECT_EQ(parse_count("1G").value(), 1'073'741'824);
  for (const char* text : {"", "k", "-1", "1.5M", "1 M", "1MiB", "9223372036854775807k"})
    EXPECT_FALSE(parse_count(text).ok()) << text;
}

}  // namespace
}  // namespace edgesentry::config
