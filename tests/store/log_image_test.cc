#include "store/log_image.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "store/block_store.h"
#include "support/scratch.h"

namespace edgesentry::store {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPage = 4096, kFrame = 24 + kPage;
constexpr std::size_t kBlocks = 60;

Record block_of(std::size_t number) {
  Record record;
  record.source = base::Ip::v4(0x0a000000u + static_cast<std::uint32_t>(number));
  record.since = record.quiet_since = 1'700'000'000'000'000;
  record.until = record.since + 3'600'000'000;
  return record;
}

class LogImageTest : public ::testing::Test {
 protected:
  // As a process leaves them that is killed after a block in each of 60 commits.
  void leave_killed() {
    Opened opened = BlockStore::open(other_);
    for (std::size_t i = 0; i < kBlocks; ++i)
      ASSERT_TRUE(opened.store->write(std::vector<Record>{block_of(i)}));
    take_over(other_);
  }
  void take_over(const std::string& from) const {
    for (const char* ending : {"", "-wal"}) {
      fs::copy_file(from + ending, path_ + ending, fs::copy_options::overwrite_existing);
      ASSERT_EQ(::chmod((path_ + ending).c_str(), 0640), 0);
    }
  }
  void overwrite(const std::string& file, std::size_t at, const std::string& with) const {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(at));
    stream.write(with.data(), static_cast<std::streamsize>(with.size()));
  }
  [[nodiscard]] std::size_t frames() const { return (fs::file_size(log_) - 32) / kFrame; }
  void expect_all_saved(const std::string& said) const {
    const Opened opened = BlockStore::open(path_);
    EXPECT_EQ(opened.records.size(), kBlocks);
    ASSERT_FALSE(opened.notes.empty());
    std::string all;
    for (const std::string& note : opened.notes) all += note + "\n";
    EXPECT_NE(all.find(said), std::string::npos) << all;
    EXPECT_TRUE(fs::exists(path_ + ".damaged-wal")) << "what was damaged is kept";
    EXPECT_NE(opened.store, nullptr);
  }

  test::Scratch folder_;
  const std::string other_ = folder_.path() + "/other.db";
  const std::string path_ = folder_.path() + "/state.db";
  const std::string log_ = path_ + "-wal";
};

TEST_F(LogImageTest, of_a_killed_process_is_whole) {
  leave_killed();
  const LogImage image = look_at_log(path_);
  EXPECT_FALSE(image.is_damaged);
  EXPECT_FALSE(image.is_cut);
  EXPECT_GE(image.frames, kBlocks);
  const Opened opened = BlockStore::open(path_);
  EXPECT_EQ(opened.records.size(), kBlocks);
  EXPECT_TRUE(opened.notes.empty());
}

TEST_F(LogImageTest, saves_what_stands_behind_a_damaged_page) {
  leave_killed();
  overwrite(log_, 32 + frames() / 2 * kFrame + 200, std::string(64, '\x5a'));
  expect_all_saved("1 of its pages cannot be read");
}

TEST_F(LogImageTest, saves_what_stands_behind_a_damaged_head_of_a_page) {
  leave_killed();
  overwrite(log_, 32 + frames() / 2 * kFrame, std::string(24, '\x5a'));
  expect_all_saved("2 of its pages cannot be read");
}

TEST_F(LogImageTest, saves_what_stands_behind_a_damaged_header) {
  leave_killed();
  overwrite(log_, 10, std::string(20, '\x5a'));
  expect_all_saved("is damaged");
}

TEST_F(LogImageTest, saves_the_blocks_of_a_file_that_was_emptied) {
  leave_killed();
  fs::resize_file(path_, 0);
  expect_all_saved("no database");
}

TEST_F(LogImageTest, of_garbage_is_said_and_the_file_counts) {
  {
    Opened opened = BlockStore::open(path_);
    ASSERT_TRUE(opened.store->write(std::vector<Record>{block_of(1)}));
    ASSERT_TRUE(opened.store->settle());
  }
  std::ofstream(log_, std::ios::binary) << std::string(50'000, '\x5a');
  ASSERT_EQ(::chmod(log_.c_str(), 0640), 0);
  const Opened opened = BlockStore::open(path_);
  EXPECT_EQ(opened.records.size(), 1u);
  ASSERT_EQ(opened.notes.size(), 1u);
  EXPECT_NE(opened.notes[0].find("is damaged"), std::string::npos) << opened.notes[0];
}

TEST_F(LogImageTest, that_was_cut_short_is_said) {
  leave_killed();
  fs::resize_file(log_, fs::file_size(log_) - 5000);
  const Opened opened = BlockStore::open(path_);
  ASSERT_EQ(opened.notes.size(), 1u);
  EXPECT_NE(opened.notes[0].find("cut it short"), std::string::npos) << opened.notes[0];
  EXPECT_GE(opened.records.size(), kBlocks - 3);
}

TEST_F(LogImageTest, whose_last_page_was_not_finished_is_no_damage) {
  leave_killed();
  overwrite(log_, 32 + (frames() - 1) * kFrame + 200, std::string(64, '\x5a'));
  EXPECT_FALSE(look_at_log(path_).is_damaged);
}

TEST_F(LogImageTest, with_older_pages_behind_newer_ones_is_no_damage) {
  Opened opened = BlockStore::open(other_);
  for (std::size_t i = 0; i < kBlocks; ++i)
    ASSERT_TRUE(opened.store->write(std::vector<Record>{block_of(i)}));
  {
    auto reader = Database::open(other_, Database::Access::read_write);
    ASSERT_TRUE(reader);
    ASSERT_TRUE(reader.value().run("BEGIN"));
    ASSERT_TRUE(reader.value().ask("PRAGMA user_version"));
    ASSERT_TRUE(opened.store->tidy());  // the log is moved, and not emptied while it is read
  }
  ASSERT_TRUE(opened.store->write(std::vector<Record>{block_of(kBlocks)}));
  take_over(other_);
  const LogImage image = look_at_log(path_);
  EXPECT_FALSE(image.is_damaged);
  EXPECT_LT(image.frames, frames()) << "the log began again at its front";
  EXPECT_EQ(BlockStore::open(path_).records.size(), kBlocks + 1);
}

TEST_F(LogImageTest, is_read_without_a_place_for_its_index) {
  leave_killed();
  LogImage image = look_at_log(path_, true);
  EXPECT_EQ(rows_of(image, path_).records.size(), kBlocks);
  EXPECT_FALSE(fs::exists(path_ + "-shm"));
}

TEST_F(LogImageTest, of_any_damage_ends_in_a_store_that_works) {
  leave_killed();
  std::mt19937 random(7);
  const std::string killed = folder_.path() + "/killed.db";
  for (const char* ending : {"", "-wal"}) fs::copy_file(path_ + ending, killed + ending);
  for (int round = 0; round < 60; ++round) {
    for (const auto& entry : fs::directory_iterator(folder_.path()))
      if (entry.path().filename().string().starts_with("state.db")) fs::remove(entry.path());
    take_over(killed);
    for (unsigned i = 0; i < 1 + random() % 20; ++i) {
      const std::string file = random() % 4 == 0 ? path_ : log_;
      const char byte = static_cast<char>(random());
      overwrite(file, random() % fs::file_size(file), std::string(1, byte));
    }
    Opened opened = BlockStore::open(path_);
    ASSERT_NE(opened.store, nullptr);
    EXPECT_TRUE(opened.store->write(std::vector<Record>{block_of(1000)}));
  }
}

}  // namespace
}  // namespace edgesentry::store
