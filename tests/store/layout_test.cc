#include "store/layout.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "store/block_store.h"
#include "store/event_store.h"
#include "support/scratch.h"

namespace edgesentry::store {
namespace {

namespace fs = std::filesystem;

class LayoutTest : public ::testing::Test {
 protected:
  // Every file of the folder but the index of the log, which SQLite makes anew for whoever reads.
  [[nodiscard]] std::map<std::string, std::string> contents() const {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      const std::string name = entry.path().filename();
      std::ifstream file(entry.path(), std::ios::binary);
      if (!name.ends_with("-shm"))
        found[name] = std::string(std::istreambuf_iterator<char>(file), {});
    }
    return found;
  }
  void run(const std::string& path, const std::string& sql) const {
    auto database = Database::open(path, Database::Access::read_write);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database.value().run(sql.c_str()));
  }
  // A folder as a killed process leaves it: what it wrote last stands in the log only.
  void leave_in_the_log(const std::string& path, const std::string& sql) const {
    auto database = Database::open(path, Database::Access::read_write);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database.value().run(sql.c_str()));
    fs::copy(path, path_);
    fs::copy(path + "-wal", path_ + "-wal");
    for (const auto& file : {path_, path_ + "-wal"}) ASSERT_EQ(::chmod(file.c_str(), 0640), 0);
  }
  void expect_untouched_blocks() const {
    const auto before = contents();
    const Opened opened = BlockStore::open(path_);
    EXPECT_EQ(opened.store, nullptr);
    ASSERT_EQ(opened.notes.size(), 1U);
    EXPECT_NE(opened.notes[0].find("newer version"), std::string::npos) << opened.notes[0];
    EXPECT_EQ(opened.records.size(), 1U) << "blocks are taken over all the same";
    EXPECT_TRUE(contents() == before);
  }
  static void make_block(const std::string& path) {
    Opened opened = BlockStore::open(path);
    ASSERT_NE(opened.store, nullptr);
    Record record;
    record.source = base::Ip::v4(0xcb007107);
    record.standing = Standing::blocked;
    ASSERT_TRUE(opened.store->write(std::vector<Record>{record}));
    ASSERT_TRUE(opened.store->settle());
  }

  test::Scratch folder_, other_;
  const std::string path_ = folder_.path() + "/state.db";
};

TEST_F(LayoutTest, of_a_newer_version_leaves_every_byte_of_the_blocks) {
  make_block(path_);
  run(path_, "PRAGMA user_version = 99");
  expect_untouched_blocks();
}

TEST_F(LayoutTest, of_a_newer_version_that_keeps_no_log_leaves_every_byte_too) {
  make_block(path_);
  run(path_, "PRAGMA journal_mode = DELETE; PRAGMA user_version = 99");
  expect_untouched_blocks();
}

TEST_F(LayoutTest, of_a_newer_version_that_was_killed_is_found_in_its_log) {
  const std::string path = other_.path() + "/state.db";
  make_block(path);
  leave_in_the_log(path, "PRAGMA user_version = 99");
  {
    auto without_log = Database::open(path_, Database::Access::as_it_stands);
    ASSERT_TRUE(without_log);
    ASSERT_EQ(without_log.value().ask("PRAGMA user_version").value(), BlockStore::kLayout);
  }
  expect_untouched_blocks();
}

TEST_F(LayoutTest, of_a_newer_version_leaves_every_byte_of_the_events) {
  { ASSERT_NE(EventStore::open(path_).store, nullptr); }
  run(path_, "PRAGMA user_version = 7");
  const auto before = contents();
  const OpenedEvents opened = EventStore::open(path_);
  EXPECT_EQ(opened.store, nullptr);
  ASSERT_EQ(opened.notes.size(), 1U);
  EXPECT_NE(opened.notes[0].find("layout 7"), std::string::npos) << opened.notes[0];
  EXPECT_TRUE(contents() == before);
}

TEST_F(LayoutTest, of_this_version_is_opened_with_what_a_killed_process_left_in_its_log) {
  const std::string path = other_.path() + "/state.db";
  make_block(path);
  leave_in_the_log(path, "UPDATE source SET reason = 'from the log'");
  const Opened opened = BlockStore::open(path_);
  ASSERT_NE(opened.store, nullptr);
  ASSERT_EQ(opened.records.size(), 1U);
  EXPECT_EQ(opened.records[0].reason, "from the log");
}

TEST_F(LayoutTest, is_nothing_where_there_is_no_database) {
  EXPECT_EQ(layout_of(path_), std::nullopt);
  EXPECT_FALSE(fs::exists(path_)) << "looking must not make it";
  folder_.write("state.db", std::string(10'000, 'g'));
  EXPECT_EQ(layout_of(path_), std::nullopt);
}

}  // namespace
}  // namespace edgesentry::store
