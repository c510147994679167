#include "policy/allow_list.h"

#include <gtest/gtest.h>

#include "support/alerts.h"

namespace edgesentry::policy {
namespace {

using test::ip;

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

TEST(Exemptions, widen_an_ipv6_entry_to_one_source_and_no_further) {
  AllowLists lists;
  lists.file = {{*base::Prefix::parse("2001:db8:0:1::5"), Exempt::allowed_by_file},
                {*base::Prefix::parse("2001:db8:8::/48"), Exempt::allowed_by_file}};
  const Exemptions exempt(lists, 64);
  EXPECT_TRUE(exempt.contains(ip("2001:db8:0:1:ffff::1")));
  EXPECT_FALSE(exempt.contains(ip("2001:db8:0:2::5")));
  EXPECT_TRUE(exempt.contains(ip("2001:db8:8:ffff::1")));
  EXPECT_FALSE(Exemptions(lists, 128).contains(ip("2001:db8:0:1::6")));
}

}  // namespace
}  // namespace edgesentry::policy
