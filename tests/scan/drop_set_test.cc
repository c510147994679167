#include "scan/drop_set.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

#include "scan/probes.h"

namespace edgesentry::scan {
namespace {

std::uint32_t home_of(const base::Ip& ip) {
  return source_key(kTestKey, ip, 64).home;
}

TEST(DropSet, behaves_like_a_set_through_random_inserts_and_erasures) {
  std::vector<DropSet::Slot> slots(512);
  DropSet set{slots};
  std::map<std::uint32_t, bool> model;
  std::mt19937 random(20260101);
  for (int i = 0; i < 50'000; ++i) {
    const std::uint32_t value = random() % 220;
    const base::Ip ip = base::Ip::v4(value);
    if (random() % 2 == 0) {
      ASSERT_TRUE(set.insert(ip, home_of(ip)));
      model[value] = true;
    } else {
      EXPECT_EQ(set.erase(ip, home_of(ip)), model.erase(value) == 1) << i;
    }
  }
  EXPECT_EQ(set.size(), model.size());
  for (std::uint32_t value = 0; value < 300; ++value)
    EXPECT_EQ(set.contains(base::Ip::v4(value), home_of(base::Ip::v4(value))),
              model.contains(value));
}

TEST(DropSet, survives_all_sources_on_one_start) {
  std::vector<DropSet::Slot> slots(64);
  DropSet set{slots};
  for (std::uint32_t i = 0; i < 32; ++i) EXPECT_TRUE(set.insert(base::Ip::v4(i), 7));
  for (std::uint32_t i = 0; i < 32; i += 2) EXPECT_TRUE(set.erase(base::Ip::v4(i), 7));
  for (std::uint32_t i = 0; i < 32; ++i) EXPECT_EQ(set.contains(base::Ip::v4(i), 7), i % 2 == 1);
}

TEST(DropSet, refuses_when_half_full_and_keeps_what_it_has) {
  std::vector<DropSet::Slot> slots(64);
  DropSet set{slots};
  for (std::uint32_t i = 0; i < 32; ++i) {
    const base::Ip ip = base::Ip::v4(i);
    EXPECT_TRUE(set.insert(ip, home_of(ip)));
  }
  const base::Ip extra = base::Ip::v4(99);
  EXPECT_FALSE(set.insert(extra, home_of(extra)));
  EXPECT_TRUE(set.insert(base::Ip::v4(5), home_of(base::Ip::v4(5)))) << "repeating changes nothing";
  EXPECT_EQ(set.size(), 32u);
}

TEST(DropSet, holds_nothing_without_memory) {
  DropSet set;
  EXPECT_FALSE(set.insert(base::Ip::v4(1), 1));
  EXPECT_FALSE(set.contains(base::Ip::v4(1), 1));
  EXPECT_FALSE(set.erase(base::Ip::v4(1), 1));
}

}  // namespace
}  // namespace edgesentry::scan
