#include "store/keeper.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

#include "support/scratch.h"

namespace edgesentry::store {
namespace {

using std::chrono::seconds;

Record block_of(std::uint32_t number) {
  Record record;
  record.source = base::Ip::v4(0x0a000000 + number);
  record.since = record.quiet_since = 1'700'000'000'000'000;
  record.until = record.since + 600'000'000;
  return record;
}

std::vector<Record> blocks_of(std::uint32_t first, std::uint32_t count) {
  std::vector<Record> records;
  for (std::uint32_t i = 0; i < count; ++i) records.push_back(block_of(first + i));
  return records;
}

// No file grows past so many bytes while it lives, as on a disk that is full.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
};

class KeeperTest : public ::testing::Test {
 protected:
  void start(std::size_t pending_max = 1u << 18) {
    Opened opened = BlockStore::open(path_);
    keeper_ = std::make_unique<Keeper>(
        KeeperSettings{.path = path_, .pending_max = pending_max}, std::move(opened.store),
        [this] { ring(); },
        [this](const std::string& sentence) {
          const std::lock_guard lock(mutex_);
          said_.push_back(sentence);
        });
  }
  void ring() {
    const std::lock_guard lock(mutex_);
    ++wakes_;
    bell_.notify_all();
  }
  // The keeper rings at each commit, and when it degrades.
  template <class Condition>
  bool eventually(Condition condition) {
    std::unique_lock lock(mutex_);
    return bell_.wait_for(lock, seconds(30), condition);
  }
  std::vector<std::string> said() {
    const std::lock_guard lock(mutex_);
    return said_;
  }
  [[nodiscard]] std::vector<Record> on_disk() const { return BlockStore::open(path_).records; }

  test::Scratch folder_;
  const std::string path_ = (folder_.path() + "/state.db");
  std::mutex mutex_;  // guards the two below
  std::condition_variable bell_;
  int wakes_ = 0;
  std::vector<std::string> said_;
  std::unique_ptr<Keeper> keeper_;
};

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

// What somebody does to the files while they are in use, and what the keeper does then.
class LostFileTest : public KeeperTest {
 protected:
  template <class Harm>
  void survive(Harm harm) {
    start();
    const std::uint64_t first = keeper_->put(blocks_of(0, 100), true);
    ASSERT_TRUE(eventually([&] { return keeper_->is_durable(first); }));
    harm();
    const std::uint64_t second = keeper_->put(blocks_of(100, 1), true);
    ASSERT_TRUE(eventually([&] { return keeper_->is_degraded(); }));
    EXPECT_FALSE(keeper_->is_durable(second)) << "it went into a file without a name";
    EXPECT_NE(keeper_->trouble().find("while it was in use"), std::string::npos);
    ASSERT_TRUE(eventually([&] { return keeper_->is_durable(second); }));
    EXPECT_TRUE(keeper_->is_degraded()) << "the rest of the ledger is not there yet";
    EXPECT_TRUE(keeper_->wants_everything());
    const std::uint64_t all = keeper_->put(blocks_of(0, 101), false);
    ASSERT_TRUE(eventually([&] { return keeper_->is_durable(all); }));
    keeper_->stop();
    EXPECT_EQ(on_disk().size(), 101u);
  }
  void remove(const char* ending) const { std::filesystem::remove(path_ + ending); }
  void cut(const char* ending) const { std::filesystem::resize_file(path_ + ending, 0); }
};

TEST_F(LostFileTest, that_is_removed_with_its_log_is_written_anew) {
  survive([this] {
    for (const char* ending : {"", "-wal", "-shm"}) remove(ending);
  });
}

TEST_F(LostFileTest, that_is_removed_alone_is_written_anew) {
  survive([this] { remove(""); });
}

TEST_F(LostFileTest, whose_log_is_removed_is_written_anew) {
  survive([this] { remove("-wal"); });
}

TEST_F(LostFileTest, that_is_cut_short_is_written_anew) {
  survive([this] { cut(""); });
}

TEST_F(LostFileTest, whose_log_is_cut_short_is_written_anew) {
  survive([this] { cut("-wal"); });
}

TEST_F(LostFileTest, that_is_exchanged_for_another_keeps_the_blocks_of_both) {
  const std::string other = folder_.path() + "/other.db";
  {
    Opened opened = BlockStore::open(other);
    ASSERT_TRUE(opened.store->write(blocks_of(50, 51)));
    ASSERT_TRUE(opened.store->settle());
  }
  survive([&] { std::filesystem::rename(other, path_); });
}

TEST_F(LostFileTest, is_noticed_though_nothing_is_written) {
  start();
  const std::uint64_t first = keeper_->put(blocks_of(0, 3), true);
  ASSERT_TRUE(eventually([&] { return keeper_->is_durable(first); }));
  remove("");
  ASSERT_TRUE(eventually([&] { return keeper_->is_degraded(); }));
  ASSERT_TRUE(eventually([&] { return keeper_->wants_everything(); }));
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
