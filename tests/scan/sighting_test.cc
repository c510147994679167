#include "scan/sighting.h"

#include <gtest/gtest.h>

namespace edgesentry::scan {
namespace {

using sighting_flag::kIpv6;
using sighting_flag::kUsed;

SightingSet full_set() {
  SightingSet set{};
  for (int way = 0; way < kWays; ++way) {
    set.tag[way] = 100 + static_cast<std::uint32_t>(way);
    set.flags[way] = kUsed;
    set.seen[way] = 50;
    set.rank[way] = 5;
  }
  return set;
}

TEST(SightingSet, finds_each_way_and_nothing_else) {
  const SightingSet set = full_set();
  for (int way = 0; way < kWays; ++way)
    EXPECT_EQ(set.find({.tag = 100u + static_cast<unsigned>(way), .home = 0, .ipv6 = false}), way);
  EXPECT_EQ(set.find({.tag = 99, .home = 0, .ipv6 = false}), -1);
}

TEST(SightingSet, does_not_find_a_free_way_by_its_old_tag) {
  SightingSet set = full_set();
  set.flags[2] = 0;
  EXPECT_EQ(set.find({.tag = 102, .home = 0, .ipv6 = false}), -1);
}

TEST(SightingSet, keeps_the_families_apart_on_the_same_tag) {
  SightingSet set = full_set();
  set.tag[1] = set.tag[3] = 7;
  set.flags[3] |= kIpv6;
  EXPECT_EQ(set.find({.tag = 7, .home = 0, .ipv6 = false}), 1);
  EXPECT_EQ(set.find({.tag = 7, .home = 0, .ipv6 = true}), 3);
}

TEST(SightingSet, gives_a_free_way_first) {
  SightingSet set = full_set();
  set.flags[2] = 0;
  EXPECT_EQ(set.victim(60), 2);
}

TEST(SightingSet, replaces_the_least_suspicious_before_the_oldest) {
  SightingSet set = full_set();
  set.seen[0] = 1;
  set.rank[3] = 2;
  EXPECT_EQ(set.victim(60), 3);
  set.rank[3] = 5;
  EXPECT_EQ(set.victim(60), 0);
}

TEST(SightingSet, tells_age_across_the_wrap_of_coarse_time) {
  SightingSet set = full_set();
  for (int way = 0; way < kWays; ++way) set.seen[way] = 3;  // after the wrap
  set.seen[1] = 65530;                                      // before it
  EXPECT_EQ(set.victim(5), 1);
}

TEST(SightingSet, gives_no_way_when_all_are_held) {
  SightingSet set = full_set();
  for (auto& rank : set.rank) rank = SightingSet::kHeld;
  EXPECT_EQ(set.victim(60), -1);
  set.rank[1] = SightingSet::kHeld - 1;
  EXPECT_EQ(set.victim(60), 1);
}

}  // namespace
}  // namespace edgesentry::scan
