// CIDR blocks: all lengths of both families, and hostile text.
#include <gtest/gtest.h>

#include <bit>
#include <string>

#include "base/ip.h"

namespace edgesentry::base {
namespace {

using std::string_literals::operator""s;

Ip flip_bit(const Ip& ip, unsigned bit) {
  auto bytes = ip.bytes();
  bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ 0x80u >> (bit % 8));
  return Ip::from_bytes(bytes);
}

TEST(Prefix, ends_at_its_length_for_all_33_of_ipv4) {
  const Ip inside = *Ip::parse("170.85.170.85");
  for (unsigned length = 0; length <= 32; ++length) {
    const Prefix prefix(inside, static_cast<std::uint8_t>(length));
    EXPECT_TRUE(prefix.contains(inside));
    for (unsigned bit = 0; bit < 32; ++bit)
      EXPECT_EQ(prefix.contains(flip_bit(inside, 96 + bit)), bit >= length)
          << "/" << length << " bit " << bit;
    EXPECT_EQ(prefix.is_host(), length == 32);
  }
}

TEST(Prefix, ends_at_its_length_for_all_129_of_ipv6) {
  const Ip inside = *Ip::parse("2001:db8:aaaa:5555:aaaa:5555:aaaa:5555");
  for (unsigned length = 0; length <= 128; ++length) {
    const Prefix prefix(inside, static_cast<std::uint8_t>(length));
    EXPECT_TRUE(prefix.contains(inside));
    for (unsigned bit = 0; bit < 128; ++bit)
      EXPECT_EQ(prefix.contains(flip_bit(inside, bit)), bit >= length)
          << "/" << length << " bit " << bit;
    EXPECT_EQ(prefix.is_host(), length == 128);
  }
}

TEST(Prefix, comes_back_from_its_own_text_at_every_length) {
  for (const char* address : {"203.0.113.77", "2001:db8:1:2:3:4:5:6"}) {
    const Ip ip = *Ip::parse(address);
    for (unsigned length = 0; length <= (ip.is_v4() ? 32u : 128u); ++length) {
      const Prefix prefix(ip, static_cast<std::uint8_t>(length));
      EXPECT_EQ(Prefix::parse(prefix.to_string()), prefix) << prefix.to_string();
    }
  }
}

TEST(Prefix, clears_host_bits) {
  EXPECT_EQ(Prefix::parse("10.9.0.77/24")->to_string(), "10.9.0.0/24");
  EXPECT_EQ(Prefix::parse("2001:db8::77/64")->to_string(), "2001:db8::/64");
  EXPECT_EQ(Prefix::parse("255.255.255.255/0")->to_string(), "0.0.0.0/0");
}

TEST(Prefix, prints_a_host_without_its_length) {
  EXPECT_EQ(Prefix::parse("10.9.0.77/32")->to_string(), "10.9.0.77");
  EXPECT_EQ(Prefix::parse("10.9.0.77")->to_string(), "10.9.0.77");
  EXPECT_EQ(Prefix::parse("::1/128")->to_string(), "::1");
}

TEST(Prefix, never_mixes_the_families) {
  EXPECT_FALSE(Prefix::parse("0.0.0.0/0")->contains(*Ip::parse("::1")));
  EXPECT_FALSE(Prefix::parse("::/0")->contains(*Ip::parse("1.2.3.4")));
  EXPECT_TRUE(Prefix::parse("0.0.0.0/0")->contains(*Ip::parse("::ffff:9.9.9.9")));
}

TEST(Prefix, counts_a_mapped_block_in_128_bits) {
  EXPECT_EQ(Prefix::parse("::ffff:10.9.8.7/104"), Prefix::parse("10.0.0.0/8"));
  EXPECT_EQ(Prefix::parse("::ffff:10.9.8.7/128"), Prefix::parse("10.9.8.7"));
  EXPECT_EQ(Prefix::parse("::ffff:10.9.8.7"), Prefix::parse("10.9.8.7"));
  EXPECT_FALSE(Prefix::parse("::ffff:10.9.8.7/95"));
  EXPECT_FALSE(Prefix::parse("::ffff:10.9.8.7/8"));
}

TEST(Prefix, refuses_what_is_not_exactly_a_block) {
  const std::string cases[] = {
      "",
      "/",
      "/8",
      "1.2.3.4/",
      "1.2.3.4/33",
      "1.2.3.4/128",
      "1.2.3.4/-1",
      "1.2.3.4/+8",
      "1.2.3.4/08",
      "1.2.3.4/ 8",
      "1.2.3.4/8 ",
      "1.2.3.4 /8",
      "1.2.3/8",
      "1.2.3.4/8/8",
      "1.2.3.4//8",
      "1.2.3.4/8\0"s,
      "1.2.3.4/0x8",
      "1.2.3.4/1e1",
      "::/129",
      "::/256",
      "::/257",
      "::/1000",
      "::/",
      "::1%lo/64",
      "1.2.3.4/99999999999999999999",
      "1.2.3.4/255.255.255.0",
      "any/8",
  };
  for (const std::string& text : cases) EXPECT_FALSE(Prefix::parse(text)) << "'" << text << "'";
  EXPECT_FALSE(Prefix::parse("1.2.3.4/" + std::string(1 << 20, '8')));
  EXPECT_FALSE(Prefix::parse(std::string(1 << 20, '/')));
}

TEST(PrefixDeathTest, is_never_longer_than_its_address) {
  EXPECT_DEATH(Prefix(Ip::v4(0), 33), "not longer than its address");
  EXPECT_DEATH(Prefix(Ip{}, 129), "not longer than its address");
}

}  // namespace
}  // namespace edgesentry::base
