#include "store/file_modes.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>

#include "store/block_store.h"
#include "store/event_store.h"
#include "support/scratch.h"

namespace edgesentry::store {
namespace {

mode_t mode_of(const std::string& path) {
  struct stat about {};
  EXPECT_EQ(::lstat(path.c_str(), &about), 0) << path;
  return about.st_mode & 07777U;
}

class FileModesTest : public ::testing::Test {
 protected:
  static void let_all_read(const std::string& path) {
    for (const char* ending : {"", "-wal", "-shm"})
      if (::access((path + ending).c_str(), F_OK) == 0) {
        ASSERT_EQ(::chmod((path + ending).c_str(), 0644), 0);
      }
  }

  test::Scratch folder_;
  const std::string path_ = folder_.path() + "/state.db";
};

TEST_F(FileModesTest, are_tightened_for_blocks_and_that_is_told_once) {
  { ASSERT_NE(BlockStore::open(path_).store, nullptr); }
  let_all_read(path_);
  const Opened opened = BlockStore::open(path_);
  ASSERT_NE(opened.store, nullptr);
  ASSERT_EQ(opened.notes.size(), 1U);
  EXPECT_NE(opened.notes[0].find(path_ + " had mode 0644"), std::string::npos) << opened.notes[0];
  for (const char* ending : {"", "-wal", "-shm"}) EXPECT_EQ(mode_of(path_ + ending), 0640U);
  EXPECT_TRUE(BlockStore::open(path_).notes.empty());
}

TEST_F(FileModesTest, are_tightened_for_events_and_that_is_told_once) {
  { ASSERT_NE(EventStore::open(path_).store, nullptr); }
  let_all_read(path_);
  const OpenedEvents opened = EventStore::open(path_);
  ASSERT_NE(opened.store, nullptr);
  ASSERT_EQ(opened.notes.size(), 1U);
  EXPECT_EQ(mode_of(path_), 0640U);
  EXPECT_TRUE(EventStore::open(path_).notes.empty());
}

TEST_F(FileModesTest, are_tightened_for_a_log_that_a_killed_process_left) {
  const Opened writer = BlockStore::open(path_);  // its log stands there while it lives
  const std::string log = path_ + "-wal";
  ASSERT_EQ(::chmod(log.c_str(), 0666), 0);
  EXPECT_NE(tighten(path_).find(log + " had mode 0666"), std::string::npos);
  EXPECT_EQ(mode_of(log), 0640U);
}

TEST_F(FileModesTest, take_nothing_away_from_who_gave_less) {
  folder_.write("state.db", "");
  for (const mode_t mode : {0600, 0640, 0440, 0400}) {
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
    EXPECT_EQ(tighten(path_), "");
    EXPECT_EQ(mode_of(path_), mode);
  }
}

TEST_F(FileModesTest, leave_nobody_but_owner_and_reading_group) {
  folder_.write("state.db", "");
  constexpr std::array<std::array<mode_t, 2>, 5> kRows = {
      {{0644, 0640}, {0666, 0640}, {0777, 0640}, {0604, 0600}, {0660, 0640}}};
  for (const auto& [had, wanted] : kRows) {
    ASSERT_EQ(::chmod(path_.c_str(), had), 0);
    EXPECT_NE(tighten(path_), "");
    EXPECT_EQ(mode_of(path_), wanted);
  }
}

TEST_F(FileModesTest, touch_nothing_behind_a_symbolic_link) {
  const std::string other = folder_.write("other", "x");
  ASSERT_EQ(::chmod(other.c_str(), 0644), 0);
  ASSERT_EQ(::symlink(other.c_str(), path_.c_str()), 0);
  EXPECT_EQ(tighten(path_), "");
  EXPECT_EQ(mode_of(other), 0644U);
}

TEST_F(FileModesTest, are_nothing_to_tell_of_where_there_is_no_file) {
  EXPECT_EQ(tighten(path_), "");
  EXPECT_EQ(tighten(folder_.path() + "/no/such/folder"), "");
}

}  // namespace
}  // namespace edgesentry::store
