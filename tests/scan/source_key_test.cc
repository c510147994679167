#include "scan/source_key.h"

#include <gtest/gtest.h>

#include <set>

#include "scan/probes.h"

namespace edgesentry::scan {
namespace {

TEST(SourceKey, never_gives_two_ipv4_sources_one_tag) {
  // permute() is a bijection; 2^20 neighbours and 2^20 spread addresses show no two alike.
  std::set<std::uint32_t> tags;
  for (std::uint32_t i = 0; i < 1u << 18; ++i) tags.insert(permute(i, kTestKey));
  for (std::uint32_t i = 0; i < 1u << 18; ++i)
    tags.insert(permute(0xc0000000u + i * 4096, kTestKey));
  EXPECT_EQ(tags.size(), 2u << 18);
}

TEST(SourceKey, spreads_neighbours_over_sets) {
  std::vector<int> load(256, 0);
  for (std::uint32_t i = 0; i < 65536; ++i)
    ++load[source_key(kTestKey, base::Ip::v4(0x0a000000 + i), 64).home >> 24];
  for (const int count : load) {
    EXPECT_GT(count, 128);
    EXPECT_LT(count, 512);
  }
}

TEST(SourceKey, differs_with_the_key) {
  HashKey other = kTestKey;
  other[0] ^= 1;
  EXPECT_NE(source_key(kTestKey, ip4(10, 0, 0, 1), 64).tag,
            source_key(other, ip4(10, 0, 0, 1), 64).tag);
}

TEST(SourceKey, takes_an_ipv6_prefix_as_one_source) {
  const auto a = base::Ip::parse("2001:db8:1:2::1").value();
  const auto b = base::Ip::parse("2001:db8:1:2:ffff::9").value();
  const auto c = base::Ip::parse("2001:db8:1:3::1").value();
  EXPECT_EQ(source_key(kTestKey, a, 64).tag, source_key(kTestKey, b, 64).tag);
  EXPECT_NE(source_key(kTestKey, a, 64).tag, source_key(kTestKey, c, 64).tag);
  EXPECT_NE(source_key(kTestKey, a, 128).tag, source_key(kTestKey, b, 128).tag);
  EXPECT_EQ(source_key(kTestKey, a, 56).tag, source_key(kTestKey, c, 56).tag);
}

TEST(SourceKey, clears_exactly_the_bits_behind_each_prefix) {
  const auto all = base::Ip::parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff").value();
  for (int length = 1; length <= 128; ++length)
    EXPECT_EQ(canonical_source(all, static_cast<std::uint8_t>(length)),
              base::Prefix(all, static_cast<std::uint8_t>(length)).address())
        << length;
  EXPECT_EQ(canonical_source(ip4(10, 1, 2, 3), 8), ip4(10, 1, 2, 3));
}

}  // namespace
}  // namespace edgesentry::scan
