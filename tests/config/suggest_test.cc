#include "config/suggest.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace edgesentry::config {
namespace {

constexpr std::array<std::string_view, 4> kWords = {"window", "failures", "ladder", "mode"};

TEST(Suggest, counts_the_letters_that_differ) {
  EXPECT_EQ(edit_distance("window", "window"), 0u);
  EXPECT_EQ(edit_distance("windw", "window"), 1u);
  EXPECT_EQ(edit_distance("widnow", "window"), 1u);
  EXPECT_EQ(edit_distance("", "mode"), 4u);
}

TEST(Suggest, finds_the_near_word_and_no_far_one) {
  EXPECT_EQ(nearest("windw", kWords), "window");
  EXPECT_EQ(nearest("mdoe", kWords), "mode");
  EXPECT_EQ(nearest("failure", kWords), "failures");
  EXPECT_EQ(nearest("xyzzy", kWords), "");
  EXPECT_EQ(nearest("", kWords), "");
  EXPECT_EQ(nearest(std::string(100'000, 'w'), kWords), "");
}

}  // namespace
}  // namespace edgesentry::config
