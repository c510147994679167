#include "guard/account.h"

#include <gtest/gtest.h>

namespace edgesentry::guard {
namespace {

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(Account, is_found_by_name_and_by_number) {
  const auto root = find_account("root", "");
  ASSERT_TRUE(root) << root.error().text;
  EXPECT_EQ(root.value().user, 0u);
  const auto nobody_at_all = find_account("4294967294", "0");
  ASSERT_TRUE(nobody_at_all) << nobody_at_all.error().text;
  EXPECT_EQ(nobody_at_all.value().user, 4294967294u);
  EXPECT_EQ(nobody_at_all.value().group, 0u);
}

TEST(Account, shows_a_command_only_where_one_can_make_it) {
  const auto user = find_account("no-such-one", "");
  ASSERT_FALSE(user);
  EXPECT_TRUE(has(user.error().text, "useradd --system")) << user.error().text;
  const auto group = find_account("root", "no-such-one");
  ASSERT_FALSE(group);
  EXPECT_TRUE(has(group.error().text, "groupadd --system no-such-one")) << group.error().text;
  for (const char* number : {"4294967295", "99999999999"}) {
    const auto wrong = find_account(number, "");
    ASSERT_FALSE(wrong) << number;
    EXPECT_TRUE(has(wrong.error().text, "is the number of no user")) << wrong.error().text;
    EXPECT_FALSE(has(wrong.error().text, "add")) << wrong.error().text;
    EXPECT_FALSE(find_account("root", number)) << number;
  }
}

}  // namespace
}  // namespace edgesentry::guard
