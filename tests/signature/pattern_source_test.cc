// From a path to patterns in force, whatever is wrong with the file or the cache.
#include "signature/pattern_source.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "rig.h"
#include "support/scratch.h"

namespace edgesentry::signature {
namespace {

// What text_of() tries on its expression: "abc" must be found and "abd" must not.
constexpr const char* kWrongExpression = "xyz";

TEST(PatternSource, opens_a_file_and_keeps_what_was_compiled) {
  const test::Scratch scratch;
  const std::string path = scratch.write("p.toml", text_of({}));
  const std::string folder = scratch.path() + "/made/here";
  for (int start = 0; start < 2; ++start) {
    const OpenedPatterns opened =
        open_patterns({.path = path, .cache_folder = folder, .is_verified = true});
    EXPECT_EQ(opened.path, path);
    EXPECT_NE(opened.database, nullptr);
    EXPECT_EQ(opened.problem_lines(), "");
    EXPECT_TRUE(opened.notices.empty());
  }
  EXPECT_TRUE(std::filesystem::exists(folder + "/patterns.hsdb"));
}

TEST(PatternSource, goes_on_where_nothing_can_be_kept) {
  const test::Scratch scratch;
  const std::string path = scratch.write("p.toml", text_of({}));
  const OpenedPatterns opened =
      open_patterns({.path = path, .cache_folder = path + "/below/a/file"});
  EXPECT_NE(opened.database, nullptr);
  ASSERT_EQ(opened.notices.size(), 1u);
  EXPECT_NE(opened.notices[0].find("compiled at each start"), std::string::npos);
  EXPECT_NE(opened.notices[0].find("payload.cache"), std::string::npos);
  EXPECT_EQ(opened.trouble, opened.notices[0]);
}

TEST(PatternSource, leaves_a_file_alone_that_is_in_force) {
  const test::Scratch scratch;
  const std::string path = scratch.write("p.toml", text_of({}));
  const OpenedPatterns first = open_patterns({.path = path});
  EXPECT_FALSE(first.is_in_force);
  const OpenedPatterns again = open_patterns({.path = path, .in_force = first.fingerprint});
  EXPECT_TRUE(again.is_in_force);
  EXPECT_EQ(again.database, nullptr);
  scratch.write("p.toml", text_of({.id = "other"}));
  EXPECT_NE(open_patterns({.path = path, .in_force = first.fingerprint}).database, nullptr);
  scratch.write("p.toml", "[[pattern]]\n");
  EXPECT_FALSE(open_patterns({.path = path, .in_force = first.fingerprint}).problems.empty());
}

TEST(PatternSource, names_file_line_and_remedy_of_each_fault) {
  const test::Scratch scratch;
  const std::string path = scratch.write(
      "p.toml", text_of({.id = "one", .kind = "nonsense"}) + text_of({.id = "two", .side = "up"}));
  const OpenedPatterns opened = open_patterns({.path = path});
  EXPECT_EQ(opened.database, nullptr);
  EXPECT_GE(opened.problems.size(), 2u);
  EXPECT_NE(opened.problem_lines().find(path + ":"), std::string::npos) << opened.problem_lines();
}

TEST(PatternSource, refuses_a_pattern_that_does_not_find_its_own_payload) {
  const test::Scratch scratch;
  const std::string path = scratch.write("p.toml", text_of({.expression = kWrongExpression}));
  EXPECT_NE(open_patterns({.path = path}).database, nullptr) << "not asked to try them";
  const OpenedPatterns opened = open_patterns({.path = path, .is_verified = true});
  EXPECT_EQ(opened.database, nullptr);
  ASSERT_EQ(opened.problems.size(), 1u);
  EXPECT_NE(opened.problem_lines().find("is not found"), std::string::npos);
}

TEST(PatternSource, refuses_a_file_that_is_missing_or_empty) {
  const test::Scratch scratch;
  EXPECT_FALSE(open_patterns({.path = scratch.path() + "/none.toml"}).problems.empty());
  EXPECT_FALSE(open_patterns({.path = scratch.write("empty.toml", "")}).problems.empty());
}

}  // namespace
}  // namespace edgesentry::signature
