// The cache spares a compilation, and never decides what is looked for.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "rig.h"
#include "support/scratch.h"

namespace edgesentry::signature {
namespace {

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class DatabaseCache : public testing::Test {
 protected:
  DatabaseCache() {
    const Compiled first = open_cached(file_, path_);
    EXPECT_FALSE(first.from_cache);
    EXPECT_EQ(first.notice, "");
    whole_ = read(path_);
  }
  // It is there, it does its work, and there is the wanted notice.
  void expect(const Compiled& compiled, bool from_cache, const std::string& notice) const {
    ASSERT_NE(compiled.database, nullptr);
    EXPECT_EQ(compiled.from_cache, from_cache);
    EXPECT_EQ(compiled.notice.empty(), notice.empty()) << compiled.notice;
    EXPECT_NE(compiled.notice.find(notice), std::string::npos) << compiled.notice;
    const auto matcher = matcher_of(compiled.database);
    EXPECT_EQ(ids_of(*matcher, matcher->match({.bytes = bytes_of("xabcx")}, {})), "one");
  }

  test::Scratch scratch_;
  PatternFile file_ = parse_patterns(
      text_of({}) + text_of({"two", "def", "login-failed", "server", "21", "any"}), "p.toml");
  std::string path_ = scratch_.path() + "/patterns.cache";
  std::string whole_;
};

TEST_F(DatabaseCache, is_taken_the_second_time) {
  ASSERT_FALSE(whole_.empty());
  expect(open_cached(file_, path_), true, "");
}

TEST_F(DatabaseCache, leaves_nothing_beside_itself) {
  const std::filesystem::directory_iterator all(scratch_.path());
  EXPECT_EQ(std::distance(all, {}), 1);
}

TEST_F(DatabaseCache, of_other_patterns_is_made_anew_with_one_notice) {
  const PatternFile other = parse_patterns(text_of({}), "p.toml");
  expect(open_cached(other, path_), false, "made for other patterns");
  expect(open_cached(other, path_), true, "");
}

TEST_F(DatabaseCache, that_is_cut_off_anywhere_is_made_anew) {
  for (std::size_t size = 0; size < whole_.size(); size += 1 + size / 3) {
    scratch_.write("patterns.cache", whole_.substr(0, size));
    expect(open_cached(file_, path_), false, "damaged");
    EXPECT_EQ(read(path_), whole_);
  }
}

TEST_F(DatabaseCache, with_any_byte_changed_is_made_anew) {
  for (std::size_t at = 0; at < whole_.size(); at += 1 + at / 3) {
    std::string damaged = whole_;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    scratch_.write("patterns.cache", damaged);
    const Compiled compiled = open_cached(file_, path_);
    EXPECT_FALSE(compiled.from_cache) << "byte " << at;
    EXPECT_NE(compiled.notice, "") << "byte " << at;
    ASSERT_NE(compiled.database, nullptr);
  }
}

TEST_F(DatabaseCache, that_cannot_be_written_is_a_notice) {
  expect(open_cached(file_, scratch_.path() + "/no/such/folder"), false, "cannot be written");
}

TEST_F(DatabaseCache, that_is_no_file_is_a_notice) {
  std::filesystem::create_directory(scratch_.path() + "/folder");
  expect(open_cached(file_, scratch_.path() + "/folder"), false, "cannot be written");
  ASSERT_EQ(mkfifo((scratch_.path() + "/pipe").c_str(), 0600), 0);
  expect(open_cached(file_, scratch_.path() + "/pipe"), false, "cannot be read");
}

TEST_F(DatabaseCache, that_others_may_write_is_not_looked_at) {
  for (const mode_t mode : {0664u, 0646u, 0666u}) {
    ASSERT_EQ(chmod(path_.c_str(), mode), 0);
    expect(open_cached(file_, path_), false, "not looked at");
    expect(open_cached(file_, path_), true, "");
  }
}

TEST_F(DatabaseCache, of_another_user_is_not_looked_at) {
  if (chown(path_.c_str(), 12345, 12345) != 0) GTEST_SKIP() << "only root gives files away";
  expect(open_cached(file_, path_), false, "not looked at");
  expect(open_cached(file_, path_), true, "");
}

TEST_F(DatabaseCache, says_whether_the_next_start_finds_it) {
  EXPECT_TRUE(open_cached(file_, path_).is_kept);
  EXPECT_TRUE(open_cached(file_, scratch_.path() + "/other").is_kept);
  EXPECT_FALSE(open_cached(file_, scratch_.path() + "/no/such/folder").is_kept);
}

TEST_F(DatabaseCache, is_not_asked_for_a_file_with_faults) {
  const Compiled compiled = open_cached(parse_patterns("[[pattern]]\n", "p.toml"), path_);
  EXPECT_EQ(compiled.database, nullptr);
  EXPECT_FALSE(compiled.problems.empty());
  EXPECT_EQ(read(path_), whole_);
}

}  // namespace
}  // namespace edgesentry::signature
