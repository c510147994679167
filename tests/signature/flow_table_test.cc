#include "signature/flow_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>

namespace edgesentry::signature {
namespace {

TEST(FlowTable, knows_a_flow_until_it_is_released) {
  FlowTable flows(4);
  EXPECT_EQ(flows.find({7}), FlowTable::kNone);
  const FlowTable::Claim claim = flows.claim({7});
  EXPECT_FALSE(claim.replaced);
  EXPECT_EQ(flows.find({7}), claim.slot);
  EXPECT_EQ(flows.used(), 1u);
  flows.release({7});
  flows.release({7});
  EXPECT_EQ(flows.find({7}), FlowTable::kNone);
  EXPECT_EQ(flows.used(), 0u);
}

TEST(FlowTable, gives_the_place_of_the_least_recently_used_flow) {
  FlowTable flows(3);
  for (std::uint64_t key : {1, 2, 3}) EXPECT_FALSE(flows.claim({key}).replaced);
  const std::uint32_t second = flows.find({2});
  EXPECT_NE(flows.find({1}), FlowTable::kNone);
  EXPECT_NE(flows.find({3}), FlowTable::kNone);
  const FlowTable::Claim claim = flows.claim({4});
  EXPECT_TRUE(claim.replaced);
  EXPECT_EQ(claim.slot, second);
  EXPECT_EQ(flows.find({2}), FlowTable::kNone);
}

TEST(FlowTable, gives_a_released_place_before_any_other) {
  FlowTable flows(3);
  for (std::uint64_t key : {1, 2, 3}) flows.claim({key});
  flows.release({3});
  EXPECT_FALSE(flows.claim({4}).replaced);
  EXPECT_NE(flows.find({1}), FlowTable::kNone);
}

TEST(FlowTable, without_slots_gives_none) {
  FlowTable flows(0);
  EXPECT_EQ(flows.find({1}), FlowTable::kNone);
  EXPECT_EQ(flows.claim({1}).slot, FlowTable::kNone);
  flows.release({1});
}

// All keys fall into few buckets: chains are as long as they get.
TEST(FlowTable, does_as_a_plain_list_does) {
  constexpr std::uint32_t kSlots = 16;
  FlowTable flows(kSlots);
  std::deque<std::uint64_t> plain;  // newest first
  std::mt19937_64 random(1);
  for (int step = 0; step < 20000; ++step) {
    const std::uint64_t key = (random() % 40) * 8;
    const auto at = std::ranges::find(plain, key);
    if (random() % 5 == 0) {
      flows.release({key});
      if (at != plain.end()) plain.erase(at);
    } else if (at != plain.end()) {
      ASSERT_NE(flows.find({key}), FlowTable::kNone) << "step " << step;
      plain.erase(at);
      plain.push_front(key);
    } else {
      ASSERT_EQ(flows.find({key}), FlowTable::kNone) << "step " << step;
      ASSERT_EQ(flows.claim({key}).replaced, plain.size() == kSlots) << "step " << step;
      if (plain.size() == kSlots) plain.pop_back();
      plain.push_front(key);
    }
    ASSERT_EQ(flows.used(), plain.size()) << "step " << step;
  }
}

}  // namespace
}  // namespace edgesentry::signature
