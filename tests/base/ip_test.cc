// Addresses: every spelling that is one, and the many that are not.
#include "base/ip.h"

#include <gtest/gtest.h>

#include <string>
#include <unordered_set>

namespace edgesentry::base {
namespace {

using std::string_literals::operator""s;

TEST(Ip, reads_and_prints_every_octet_in_every_place) {
  for (unsigned place = 0; place < 4; ++place) {
    for (unsigned octet = 0; octet < 256; ++octet) {
      const std::uint32_t value = octet << (24 - 8 * place);
      const std::string text = Ip::v4(value).to_string();
      const auto parsed = Ip::parse(text);
      ASSERT_TRUE(parsed) << text;
      EXPECT_EQ(parsed->v4_value(), value) << text;
      EXPECT_TRUE(parsed->is_v4()) << text;
    }
  }
}

TEST(Ip, is_one_address_in_both_spellings_of_ipv4) {
  const Ip plain = Ip::v4(0x01020304);
  for (const char* text :
       {"1.2.3.4", "::ffff:1.2.3.4", "::FFFF:102:304", "0:0:0:0:0:ffff:1.2.3.4"}) {
    ASSERT_TRUE(Ip::parse(text)) << text;
    EXPECT_EQ(*Ip::parse(text), plain) << text;
  }
  EXPECT_EQ(plain.to_string(), "1.2.3.4");
}

TEST(Ip, prints_ipv6_as_rfc_5952_says) {
  const std::pair<const char*, const char*> cases[] = {
      {"2001:0DB8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"0:0:0:0:0:0:0:0", "::"},
      {"FE80::", "fe80::"},
      {"::1", "::1"},
      {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
  };
  for (const auto& [text, printed] : cases) {
    ASSERT_TRUE(Ip::parse(text)) << text;
    EXPECT_EQ(Ip::parse(text)->to_string(), printed);
    EXPECT_FALSE(Ip::parse(text)->is_v4()) << text;
  }
}

TEST(Ip, refuses_what_is_not_exactly_an_address) {
  const std::string cases[] = {
      "",
      " ",
      ".",
      "1",
      "1.2.3",
      "1.2.3.4.5",
      "1.2.3.",
      ".1.2.3",
      "1..2.3",
      "1.2.3.256",
      "1.2.3.-4",
      "1.2.3.+4",
      "01.2.3.4",
      "1.2.3.04",
      "0x1.2.3.4",
      " 1.2.3.4",
      "1.2.3.4 ",
      "1.2.3.4\n",
      "1.2.3.4\0"s,
      "1.2.3.4\0.example"s,
      "1.2.3.4/32",
      "localhost",
      "[::1]",
      ":",
      ":::",
      "1::2::3",
      "::1%lo",
      "fe80::1%eth0",
      "12345::",
      "::g",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4:5:6:7:8::",
      "::1.2.3",
      "::1.2.3.4.5",
      "::1.2.3.256",
      "::ffff:1.2.3.4:1",
      "::1\0"s,
      "\xff\xfe\xfd",
  };
  for (const std::string& text : cases) EXPECT_FALSE(Ip::parse(text)) << "'" << text << "'";
}

TEST(Ip, refuses_text_of_any_length_without_reading_past_it) {
  for (std::size_t length = 0; length < 200; ++length) {
    EXPECT_FALSE(Ip::parse(std::string(length, '1'))) << length;
    EXPECT_FALSE(Ip::parse(std::string(length, ':')).has_value() && length != 2) << length;
    EXPECT_FALSE(Ip::parse("1.2.3.4" + std::string(length + 1, '.'))) << length;
  }
  EXPECT_FALSE(Ip::parse(std::string(1 << 20, 'f')));
  // The longest text that is an address, and the same with one character more.
  const std::string longest = "0000:0000:0000:0000:0000:ffff:255.255.255.255";
  EXPECT_TRUE(Ip::parse(longest));
  EXPECT_FALSE(Ip::parse(longest + "0"));
  // A view into a longer string ends where it says.
  EXPECT_EQ(Ip::parse(std::string_view("1.2.3.45").substr(0, 7)), Ip::v4(0x01020304));
}

TEST(Ip, knows_multicast_and_loopback_to_the_edge) {
  const std::pair<const char*, bool> multicast[] = {
      {"223.255.255.255", false}, {"224.0.0.0", true}, {"239.255.255.255", true},
      {"240.0.0.0", false},       {"ff00::", true},    {"feff::", false},
  };
  for (const auto& [text, expected] : multicast)
    EXPECT_EQ(Ip::parse(text)->is_multicast(), expected) << text;
  const std::pair<const char*, bool> loopback[] = {
      {"126.255.255.255", false},
      {"127.0.0.0", true},
      {"127.255.255.255", true},
      {"128.0.0.0", false},
      {"::1", true},
      {"::2", false},
      {"1::1", false},
      {"::", false},
  };
  for (const auto& [text, expected] : loopback)
    EXPECT_EQ(Ip::parse(text)->is_loopback(), expected) << text;
}

TEST(Ip, knows_the_unspecified_address_of_both_families) {
  EXPECT_TRUE(Ip{}.is_unspecified());
  EXPECT_TRUE(Ip::parse("0.0.0.0")->is_unspecified());
  EXPECT_TRUE(Ip::parse("::")->is_unspecified());
  EXPECT_FALSE(Ip::parse("0.0.0.1")->is_unspecified());
  EXPECT_FALSE(Ip::parse("::1")->is_unspecified());
}

TEST(Ip, orders_numerically_with_ipv4_where_it_is_mapped) {
  EXPECT_LT(Ip::v4(9), Ip::v4(10));
  EXPECT_LT(*Ip::parse("9.0.0.0"), *Ip::parse("10.0.0.0"));
  EXPECT_LT(*Ip::parse("255.255.255.255"), *Ip::parse("2001:db8::"));
  EXPECT_LT(*Ip::parse("::1"), *Ip::parse("0.0.0.0"));
}

TEST(IpHash, spreads_neighbours_in_both_families) {
  std::unordered_set<std::size_t> low_bits;
  std::unordered_set<std::size_t> all_bits;
  auto bytes = Ip::parse("2001:db8::")->bytes();
  for (unsigned i = 0; i < 4096; ++i) {
    bytes[6] = static_cast<std::uint8_t>(i >> 8);
    bytes[7] = static_cast<std::uint8_t>(i);
    for (const Ip& ip : {Ip::v4(0x0a000000 + i), Ip::from_bytes(bytes)}) {
      all_bits.insert(IpHash{}(ip));
      low_bits.insert(IpHash{}(ip)&0xfff);
    }
  }
  EXPECT_EQ(all_bits.size(), 8192u);
  // 8192 balls in 4096 bins fill 1 - e^-2 of them, 86 %.
  EXPECT_GT(low_bits.size(), 4096u * 4 / 5);
}

}  // namespace
}  // namespace edgesentry::base
