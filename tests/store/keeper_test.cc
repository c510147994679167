#include "store/keeper.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "store/keeper_rig.h"

namespace edgesentry::store {
namespace {

using std::chrono::seconds;

TEST_F(KeeperTest, says_when_a_block_is_on_disk) {
  start();
  const std::uint64_t number = keeper_->put(blocks_of(0, 3), true);
  ASSERT_TRUE(eventually([&] { return keeper_->is_durable(number); }));
  EXPECT_EQ(on_disk().size(), 3u);
  EXPECT_GT(wakes_, 0);
  EXPECT_FALSE(keeper_->is_durable(number + 1));
}

TEST_F(KeeperTest, writes_what_waits_when_it_stops) {
  start();
  for (std::uint32_t i = 0; i < 100; ++i) keeper_->put(blocks_of(i * 10, 10), false);
  keeper_->stop();
  EXPECT_EQ(on_disk().size(), 1000u);
}

TEST_F(KeeperTest, keeps_all_of_a_flood_and_the_newest_of_each_source) {
  start();
  for (int round = 0; round < 20; ++round) {
    std::vector<Record> records = blocks_of(0, 2000);
    for (Record& record : records) record.offences = static_cast<std::uint32_t>(round);
    keeper_->put(std::move(records), round % 2 == 0);
  }
  keeper_->stop();
  const std::vector<Record> records = on_disk();
  ASSERT_EQ(records.size(), 2000u);
  for (const Record& record : records) EXPECT_EQ(record.offences, 19u);
}

TEST_F(KeeperTest, holds_on_while_the_disk_is_full_and_writes_when_there_is_room) {
  start();
  const std::uint64_t first = keeper_->put(blocks_of(0, 10), true);
  ASSERT_TRUE(eventually([&] { return keeper_->is_durable(first); }));
  std::uint64_t second = 0;
  {
    const FullDisk full(4096);
    second = keeper_->put(blocks_of(10, 5000), true);
    ASSERT_TRUE(eventually([&] { return keeper_->is_degraded(); }));
    EXPECT_FALSE(keeper_->is_durable(second));
    EXPECT_FALSE(keeper_->trouble().empty());
    EXPECT_EQ(said().size(), 1u);
  }
  ASSERT_TRUE(eventually([&] { return keeper_->is_durable(second); }));
  EXPECT_FALSE(keeper_->is_degraded());
  EXPECT_TRUE(keeper_->trouble().empty());
  EXPECT_EQ(said().size(), 2u);
  EXPECT_EQ(on_disk().size(), 5010u);
}

TEST_F(KeeperTest, says_at_the_stop_what_a_full_disk_did_not_take) {
  start();
  const std::uint64_t first = keeper_->put(blocks_of(0, 10), true);
  ASSERT_TRUE(eventually([&] { return keeper_->is_durable(first); }));
  std::string missing;
  {
    const FullDisk full(4096);
    std::vector<Record> records = blocks_of(0, 5000);
    records[0].standing = Standing::forgotten;
    keeper_->put(std::move(records), false);
    missing = keeper_->stop([] { return Everything{blocks_of(0, 6000), {}}; });
  }
  EXPECT_NE(missing.find("lacks 4999 blocks and 0 memories"), std::string::npos) << missing;
  EXPECT_NE(missing.find("that 1 ended"), std::string::npos) << missing;
  EXPECT_NE(missing.find(keeper_->trouble()), std::string::npos) << missing;
  EXPECT_EQ(on_disk().size(), 10u);
}

TEST_F(KeeperTest, says_why_there_is_no_file) {
  std::filesystem::create_directory(path_);
  Opened opened = BlockStore::open(path_);
  ASSERT_EQ(opened.store, nullptr);
  Keeper keeper(
      {.path = path_, .trouble = opened.trouble}, nullptr, [this] { ring(); },
      [](const std::string&) {});
  EXPECT_NE(keeper.trouble().find("is a folder"), std::string::npos) << keeper.trouble();
  EXPECT_EQ(keeper.stop(), "") << "nothing was to be written";
}

TEST_F(KeeperTest, finds_its_file_when_the_folder_comes_back) {
  const std::string away = (folder_.path() + "/away");
  const std::string path = away + "/state.db";
  Keeper keeper(
      {.path = path}, nullptr, [this] { ring(); }, [](const std::string&) {});
  const std::uint64_t number = keeper.put(blocks_of(0, 4), true);
  EXPECT_TRUE(keeper.is_degraded());
  EXPECT_FALSE(keeper.is_durable(number));
  std::filesystem::create_directory(away);
  ASSERT_TRUE(eventually([&] { return keeper.is_durable(number); }));
  EXPECT_TRUE(keeper.wants_everything());
  EXPECT_FALSE(keeper.wants_everything());
  EXPECT_EQ(BlockStore::open(path).records.size(), 4u);
}

TEST_F(KeeperTest, begins_anew_when_its_file_breaks_and_asks_for_everything) {
  start();
  constexpr std::uint32_t kMany = 100'000;  // more pages than SQLite holds in memory
  const std::uint64_t first = keeper_->put(blocks_of(0, kMany), true);
  ASSERT_TRUE(eventually([&] { return keeper_->is_durable(first); }));
  keeper_->stop();
  start();
  {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    const std::string garbage(std::filesystem::file_size(path_), '\xee');
    file.write(garbage.data(), static_cast<std::streamsize>(garbage.size()));
  }
  const std::uint64_t second = keeper_->put(blocks_of(0, kMany), true);
  ASSERT_TRUE(eventually([&] { return keeper_->is_durable(second); }));
  EXPECT_TRUE(keeper_->wants_everything());
  EXPECT_TRUE(std::filesystem::exists(path_ + ".damaged"));
  EXPECT_EQ(on_disk().size(), kMany);
}

TEST_F(KeeperTest, leaves_little_in_the_log_when_it_is_idle) {
  start();
  const std::uint64_t first = keeper_->put(blocks_of(0, 500), true);
  ASSERT_TRUE(eventually([&] { return keeper_->is_durable(first); }));
  const auto holds_all = [&] {
    const std::string copy = folder_.path() + "/copy.db";
    std::filesystem::copy_file(path_, copy, std::filesystem::copy_options::overwrite_existing);
    return BlockStore::open(copy).records.size() == 500;
  };
  const auto limit = std::chrono::steady_clock::now() + seconds(30);
  std::unique_lock lock(mutex_);
  while (!holds_all() && std::chrono::steady_clock::now() < limit)
    bell_.wait_for(lock, std::chrono::milliseconds(20));
  EXPECT_TRUE(holds_all()) << "without the log";
}

TEST_F(KeeperTest, lets_memories_go_before_blocks_when_too_much_waits) {
  Keeper keeper(
      {.path = (folder_.path() + "/no/state.db"), .pending_max = 100}, nullptr, [this] { ring(); },
      [](const std::string&) {});
  std::vector<Record> records = blocks_of(0, 150);
  for (std::uint32_t i = 0; i < 80; ++i) records[i].standing = Standing::remembered;
  keeper.put(std::move(records), true);
  ASSERT_TRUE(eventually([&] { return keeper.numbers().lost.value() > 0; }));
  EXPECT_EQ(keeper.numbers().lost.value(), 50u);
}

}  // namespace
}  // namespace edgesentry::store
