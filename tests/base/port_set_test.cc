// Port lists as operators and PortSentry's own config write them.
#include "base/port_set.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace edgesentry::base {
namespace {

using std::string_literals::operator""s;

TEST(PortSet, holds_each_port_alone) {
  for (unsigned port = 0; port < 65'536; ++port) {
    PortSet ports;
    ports.insert(static_cast<std::uint16_t>(port));
    ASSERT_TRUE(ports.contains(static_cast<std::uint16_t>(port)));
    ASSERT_FALSE(ports.contains(static_cast<std::uint16_t>(port + 1)));
    ASSERT_FALSE(ports.contains(static_cast<std::uint16_t>(port - 1)));
    ASSERT_EQ(ports.size(), 1u);
  }
}

TEST(PortSet, reads_numbers_and_ranges) {
  const auto ports = PortSet::parse("1-1813,3389");
  ASSERT_TRUE(ports.ok());
  EXPECT_FALSE(ports.value().contains(0));
  EXPECT_TRUE(ports.value().contains(1));
  EXPECT_TRUE(ports.value().contains(1813));
  EXPECT_FALSE(ports.value().contains(1814));
  EXPECT_TRUE(ports.value().contains(3389));
  EXPECT_EQ(ports.value().size(), 1814u);
}

TEST(PortSet, reads_all_ports_and_none) {
  EXPECT_EQ(PortSet::parse("0-65535").value().size(), 65'536u);
  EXPECT_EQ(PortSet::parse("0-65535").value().to_string(), "0-65535");
  EXPECT_EQ(PortSet::parse("").value().size(), 0u);
  EXPECT_EQ(PortSet::parse(" \t ").value().size(), 0u);
  EXPECT_EQ(PortSet{}.to_string(), "");
}

TEST(PortSet, allows_blanks_around_items) {
  EXPECT_EQ(PortSet::parse(" 1 - 3 ,\t22 ").value().to_string(), "1-3,22");
}

TEST(PortSet, prints_merged_and_sorted) {
  EXPECT_EQ(PortSet::parse("9,7,8,1,5-7,1").value().to_string(), "1,5-9");
  EXPECT_EQ(PortSet::parse("65535,65534,0").value().to_string(), "0,65534-65535");
}

TEST(PortSet, comes_back_from_its_own_text) {
  constexpr unsigned kSeed = 77;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  for (int round = 0; round < 50; ++round) {
    PortSet ports;
    for (int i = 0; i < 200; ++i) ports.insert(static_cast<std::uint16_t>(random() % 1000));
    ASSERT_EQ(PortSet::parse(ports.to_string()).value(), ports) << ports.to_string();
  }
}

TEST(PortSet, names_the_item_that_is_wrong) {
  const std::string cases[] = {"65536", "-1",    "1-",  "-",   "1-65536",
                               "1--2",  "1-2-3", "a",   "1 2", "0x10",
                               "1.5",   "1e3",   "ssh", "+1",  "99999999999999999999"};
  for (const std::string& item : cases) {
    const auto ports = PortSet::parse("22," + item + ",80");
    ASSERT_FALSE(ports.ok()) << item;
    EXPECT_NE(ports.error().text.find("'" + item + "'"), std::string::npos) << ports.error().text;
  }
}

TEST(PortSet, refuses_an_item_that_is_missing) {
  for (const char* text : {",", "1,", ",1", "1,,2", "1, ,2"})
    EXPECT_FALSE(PortSet::parse(text).ok()) << text;
}

TEST(PortSet, says_how_to_write_a_range_that_is_backwards) {
  const auto ports = PortSet::parse("200-100");
  ASSERT_FALSE(ports.ok());
  EXPECT_NE(ports.error().text.find("100-200"), std::string::npos) << ports.error().text;
}

TEST(PortSet, keeps_garbage_out_of_its_sentence) {
  const auto ports = PortSet::parse("\x1b[2J\n\0"s + std::string(1 << 20, 'x'));
  ASSERT_FALSE(ports.ok());
  EXPECT_LT(ports.error().text.size(), 200u);
  for (const char c : ports.error().text) EXPECT_TRUE(c >= ' ' && c <= '~');
}

}  // namespace
}  // namespace edgesentry::base
