#include "config/reload_diff.h"

#include <gtest/gtest.h>

#include "config_text.h"

namespace edgesentry::config {
namespace {

TEST(ReloadDiff, is_empty_between_equal_files) {
  EXPECT_TRUE(reload_diff(load_good_and("").config, load_good_and("").config).empty());
}

TEST(ReloadDiff, says_what_can_be_taken_and_what_waits) {
  const Config now = load_good_and("").config;
  const Config next = load_good_and("[workers]\ncount = 2\n[detect]\nwindow = \"2h\"\n").config;
  const auto changes = reload_diff(now, next);
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].key, "workers.count");
  EXPECT_EQ(changes[0].before, "1");
  EXPECT_EQ(changes[0].after, "2");
  EXPECT_TRUE(changes[0].needs_restart);
  EXPECT_EQ(changes[1].key, "detect.window");
  EXPECT_EQ(changes[1].before, "\"1d\"");
  EXPECT_EQ(changes[1].after, "\"2h\"");
  EXPECT_FALSE(changes[1].needs_restart);
}

TEST(ReloadDiff, follows_segments) {
  const Config now = load_good_and("").config;
  Config next = now;
  next.segments[0].inside = "eth9";
  next.segments.push_back({"second", "eth5", "eth6"});
  const auto changes = reload_diff(now, next);
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].key, "segment[0].inside");
  EXPECT_EQ(changes[1].key, "segment[1]");
  EXPECT_EQ(changes[1].after, "{ name = \"second\", outside = \"eth5\", inside = \"eth6\" }");
  EXPECT_TRUE(changes[1].needs_restart);
  const auto back = reload_diff(next, now);
  ASSERT_EQ(back.size(), 2u);
  EXPECT_EQ(back[1].after, "");
}

}  // namespace
}  // namespace edgesentry::config
