#include "policy/allow_list.h"

#include <gtest/gtest.h>

#include "support/alerts.h"

namespace edgesentry::policy {
namespace {

using tests::ip;

TEST(AllowText, reads_what_portsentry_users_write) {
  const auto text = parse_allow_text(
      "# mine\r\n10.9.0.2\r\n  10.9.0.77/24  # office\n\n2001:DB8::/48\n\t\n10.9.0.23", "f");
  EXPECT_TRUE(text.problems.empty());
  ASSERT_EQ(text.entries.size(), 4u);
  EXPECT_EQ(text.entries[0].prefix.to_string(), "10.9.0.2");
  EXPECT_EQ(text.entries[1].prefix.to_string(), "10.9.0.0/24");
  EXPECT_EQ(text.entries[2].prefix.to_string(), "2001:db8::/48");
  EXPECT_EQ(text.entries[3].prefix.to_string(), "10.9.0.23");
}

TEST(AllowText, names_file_line_and_remedy_of_every_bad_line) {
  const auto text = parse_allow_text("10.9.0.2/33\n10.9.0.1\nexample.org\n10.0.0.1-9\n", "/etc/a");
  EXPECT_EQ(text.entries.size(), 1u);
  ASSERT_EQ(text.problems.size(), 3u);
  EXPECT_NE(text.problems[0].find("/etc/a:1: '10.9.0.2/33'"), std::string::npos);
  EXPECT_NE(text.problems[1].find("/etc/a:3:"), std::string::npos);
  EXPECT_NE(text.problems[2].find("such as"), std::string::npos);
}

TEST(AllowText, prints_no_control_characters_and_no_endless_lines) {
  const auto text = parse_allow_text("\x1b[2J" + std::string(100'000, 'x'), "f");
  ASSERT_EQ(text.problems.size(), 1u);
  EXPECT_LT(text.problems[0].size(), 300u);
  EXPECT_EQ(text.problems[0].find('\x1b'), std::string::npos);
}

TEST(AllowText, takes_an_empty_file) {
  EXPECT_TRUE(parse_allow_text("", "f").entries.empty());
  EXPECT_TRUE(parse_allow_text("\n\n#\n", "f").problems.empty());
}

TEST(Exemptions, knows_why_a_source_is_exempt) {
  AllowLists lists;
  lists.file = {{*base::Prefix::parse("10.1.0.0/16"), Exempt::allowed_by_file}};
  lists.never_ban = {{*base::Prefix::parse("10.1.2.3"), Exempt::gateway}};
  const Exemptions exempt(lists, 64);
  EXPECT_EQ(exempt.why(ip("10.1.2.3")), Exempt::gateway);
  EXPECT_EQ(exempt.why(ip("10.1.2.4")), Exempt::allowed_by_file);
  EXPECT_EQ(exempt.why(ip("10.2.2.4")), std::nullopt);
  EXPECT_FALSE(exempt.contains(ip("10.2.2.4")));
  EXPECT_EQ(exempt.size(), 2u);
}

}  // namespace
}  // namespace edgesentry::policy
