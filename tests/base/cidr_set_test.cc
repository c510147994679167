// Sets of blocks, against the plain list of the same blocks.
#include "base/cidr_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace edgesentry::base {
namespace {

CidrSet set_of(const std::vector<std::string>& blocks) {
  std::vector<Prefix> prefixes;
  for (const std::string& block : blocks) prefixes.push_back(*Prefix::parse(block));
  return CidrSet(prefixes);
}

bool holds(const CidrSet& set, const char* address) {
  return set.contains(*Ip::parse(address));
}

TEST(CidrSet, holds_nothing_when_empty) {
  const CidrSet set;
  EXPECT_TRUE(set.empty());
  EXPECT_FALSE(holds(set, "0.0.0.0"));
  EXPECT_FALSE(holds(set, "::"));
}

TEST(CidrSet, ends_exactly_at_each_prefix_length) {
  for (unsigned length = 1; length <= 32; ++length) {
    const std::uint32_t first = 0xaaaaaaaau >> (32 - length) << (32 - length);
    const std::uint32_t last = first | (length == 32 ? 0 : 0xffffffffu >> length);
    const Prefix block(Ip::v4(first), static_cast<std::uint8_t>(length));
    const CidrSet set(std::span(&block, 1));
    EXPECT_TRUE(set.contains(Ip::v4(first))) << block.to_string();
    EXPECT_TRUE(set.contains(Ip::v4(last))) << block.to_string();
    if (first > 0) {
      EXPECT_FALSE(set.contains(Ip::v4(first - 1))) << block.to_string();
    }
    if (last < 0xffffffff) {
      EXPECT_FALSE(set.contains(Ip::v4(last + 1))) << block.to_string();
    }
  }
}

TEST(CidrSet, holds_the_first_and_last_address_of_the_whole_space) {
  const CidrSet v4 = set_of({"0.0.0.0/0"});
  EXPECT_TRUE(holds(v4, "0.0.0.0"));
  EXPECT_TRUE(holds(v4, "255.255.255.255"));
  EXPECT_FALSE(holds(v4, "::1"));
  const CidrSet v6 = set_of({"::/0"});
  EXPECT_TRUE(holds(v6, "::"));
  EXPECT_TRUE(holds(v6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
  EXPECT_FALSE(holds(v6, "1.2.3.4"));
}

TEST(CidrSet, keeps_the_wide_block_when_a_narrow_one_lies_inside) {
  const CidrSet set = set_of({"10.1.2.3", "10.0.0.0/8", "10.1.0.0/16", "10.255.255.255/32"});
  for (const char* inside : {"10.0.0.0", "10.1.2.4", "10.2.0.0", "10.255.255.255"})
    EXPECT_TRUE(holds(set, inside)) << inside;
  for (const char* outside : {"9.255.255.255", "11.0.0.0"})
    EXPECT_FALSE(holds(set, outside)) << outside;
}

TEST(CidrSet, takes_duplicates_and_neighbours) {
  const CidrSet set = set_of({"10.0.1.0/24", "10.0.0.0/24", "10.0.1.0/24", "10.0.3.0/24"});
  for (const char* inside : {"10.0.0.0", "10.0.0.255", "10.0.1.0", "10.0.1.255", "10.0.3.7"})
    EXPECT_TRUE(holds(set, inside)) << inside;
  for (const char* outside : {"10.0.2.0", "10.0.2.255", "10.0.4.0"})
    EXPECT_FALSE(holds(set, outside)) << outside;
}

TEST(CidrSet, keeps_the_families_apart) {
  const CidrSet set = set_of({"2001:db8::/32", "192.0.2.0/24", "fe80::/10"});
  EXPECT_TRUE(holds(set, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"));
  EXPECT_FALSE(holds(set, "2001:db9::"));
  EXPECT_TRUE(holds(set, "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
  EXPECT_FALSE(holds(set, "fec0::"));
  EXPECT_TRUE(holds(set, "::ffff:192.0.2.9"));
}

TEST(CidrSet, agrees_with_the_list_of_its_blocks) {
  constexpr unsigned kSeed = 20'240'601;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  for (int round = 0; round < 50; ++round) {
    std::vector<Prefix> blocks;
    for (unsigned i = 0; i < random() % 40; ++i) {
      // Few distinct high bits, so that blocks touch, overlap and nest.
      const auto length = static_cast<std::uint8_t>(20 + random() % 13);
      blocks.emplace_back(Ip::v4(0x0a000000 | (random() & 0xffff)), length);
    }
    const CidrSet set(blocks);
    for (int probe = 0; probe < 2000; ++probe) {
      const Ip ip = Ip::v4(0x0a000000 | (random() & 0x1ffff));
      const bool expected = std::any_of(blocks.begin(), blocks.end(),
                                        [&](const Prefix& b) { return b.contains(ip); });
      ASSERT_EQ(set.contains(ip), expected) << ip.to_string();
    }
  }
}

TEST(CidrSet, that_is_one_ipv4_range_says_so_and_holds_the_same) {
  const auto set_of = [](std::initializer_list<const char*> texts) {
    std::vector<Prefix> prefixes;
    for (const char* text : texts) prefixes.push_back(Prefix::parse(text).value());
    return CidrSet(prefixes);
  };
  const CidrSet one = set_of({"10.0.0.0/8", "10.128.0.0/9"});
  ASSERT_NE(one.sole_range(), nullptr) << "one lies inside the other";
  for (const char* text : {"9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0", "::1",
                           "::ffff:10.1.1.1", "::a00:1", "a00:1::ffff:0:0"}) {
    const Ip ip = Ip::parse(text).value();
    EXPECT_EQ(one.sole_range()->contains(ip), one.contains(ip)) << text;
  }
  EXPECT_EQ(CidrSet().sole_range(), nullptr);
  EXPECT_EQ(set_of({"10.0.0.0/8", "12.0.0.0/8"}).sole_range(), nullptr);
  EXPECT_EQ(set_of({"2001:db8::/32"}).sole_range(), nullptr);
  EXPECT_EQ(set_of({"10.0.0.0/8", "2001:db8::/32"}).sole_range(), nullptr);
}

}  // namespace
}  // namespace edgesentry::base
