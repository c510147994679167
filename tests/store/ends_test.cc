#include "store/ends.h"

#include <gtest/gtest.h>

namespace edgesentry::store {
namespace {

constexpr std::int64_t kNow = 1'700'000'000'000'000, kSecond = 1'000'000;
constexpr EndLimits kLimits{
    .now = kNow, .longest = std::chrono::seconds(1000), .instead = std::chrono::seconds(60)};

Record ending(std::int64_t until, Standing standing = Standing::blocked) {
  Record record;
  record.source = base::Ip::v4(0x0a000001);
  record.standing = standing;
  record.since = kNow - kSecond;
  record.until = until;
  return record;
}

TEST(Ends, that_can_be_are_left_alone) {
  std::vector<Record> records = {ending(kNow - 1), ending(kNow + 1000 * kSecond), ending(kForever),
                                 ending(kNow + 5000 * kSecond, Standing::remembered)};
  const std::vector<Record> before = records;
  EXPECT_TRUE(shorten(records, kLimits).empty());
  EXPECT_EQ(records, before);
}

TEST(Ends, that_no_block_can_have_are_shortened) {
  const std::int64_t flipped = (kNow + 60 * kSecond) | std::int64_t{1} << 60;
  std::vector<Record> records = {ending(kNow + 1000 * kSecond + 1), ending(flipped)};
  const std::vector<Record> changed = shorten(records, kLimits);
  EXPECT_EQ(changed, records);
  for (const Record& record : records) EXPECT_EQ(record.until, kNow + 60 * kSecond);
}

TEST(Ends, never_come_before_their_beginnings) {
  std::vector<Record> records = {ending(kForever - 1)};
  records[0].since = kForever - 2;
  EXPECT_EQ(shorten(records, kLimits).size(), 1u);
  EXPECT_EQ(records[0].since, kNow);
}

}  // namespace
}  // namespace edgesentry::store
