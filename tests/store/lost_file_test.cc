#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "store/keeper.h"
#include "store/keeper_rig.h"

namespace edgesentry::store {
namespace {

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
  void write_over(const char* ending, std::size_t bytes, char what) const {
    std::fstream file(path_ + ending, std::ios::in | std::ios::out | std::ios::binary);
    const std::string garbage(bytes, what);
    file.write(garbage.data(), static_cast<std::streamsize>(bytes));
  }
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

// In place, as `cp` does: the same inode, with other content.
TEST_F(LostFileTest, that_is_written_over_is_written_anew) {
  survive([this] { write_over("", std::filesystem::file_size(path_) + 100'000, '\xee'); });
}

TEST_F(LostFileTest, whose_log_is_written_over_is_written_anew) {
  survive([this] { write_over("-wal", 100'000, '\xee'); });
}

TEST_F(LostFileTest, that_is_gone_at_the_stop_gets_all_that_the_ledger_has) {
  start();
  const std::uint64_t first = keeper_->put(blocks_of(0, 100), true);
  ASSERT_TRUE(eventually([&] { return keeper_->is_durable(first); }));
  for (const char* ending : {"", "-wal", "-shm"}) remove(ending);
  EXPECT_EQ(keeper_->stop([] { return Everything{blocks_of(0, 100), {"192.0.2.0/24"}}; }), "");
  const Opened opened = BlockStore::open(path_);
  EXPECT_EQ(opened.records.size(), 100u);
  EXPECT_EQ(opened.allowed.size(), 1u);
}

TEST_F(LostFileTest, that_was_lost_shortly_before_the_stop_gets_all_that_the_ledger_has) {
  start();
  const std::uint64_t first = keeper_->put(blocks_of(0, 100), true);
  ASSERT_TRUE(eventually([&] { return keeper_->is_durable(first); }));
  remove("");
  ASSERT_TRUE(eventually([&] { return keeper_->is_degraded(); }));
  EXPECT_EQ(keeper_->stop([] { return Everything{blocks_of(0, 100), {}}; }), "");
  EXPECT_EQ(on_disk().size(), 100u);
}

TEST_F(LostFileTest, that_cannot_be_made_again_at_the_stop_is_said_with_all_that_is_lost) {
  start();
  const std::uint64_t first = keeper_->put(blocks_of(0, 100), true);
  ASSERT_TRUE(eventually([&] { return keeper_->is_durable(first); }));
  remove("");
  std::filesystem::create_directory(path_);
  const std::string missing = keeper_->stop([] {
    Everything all{blocks_of(0, 100), {}};
    for (std::size_t i = 0; i < 30; ++i) all.records[i].standing = Standing::remembered;
    return all;
  });
  EXPECT_NE(missing.find("lacks 70 blocks and 30 memories"), std::string::npos) << missing;
  EXPECT_NE(missing.find("is a folder"), std::string::npos) << missing;
}

TEST_F(LostFileTest, whose_folder_is_removed_gets_it_back) {
  const std::string home = folder_.path() + "/home";
  const std::string path = home + "/state.db";
  std::filesystem::create_directory(home);
  std::filesystem::permissions(home, std::filesystem::perms{0710});
  Opened opened = BlockStore::open(path);
  Keeper keeper(
      {.path = path}, std::move(opened.store), [this] { ring(); }, [](const std::string&) {});
  const std::uint64_t first = keeper.put(blocks_of(0, 4), true);
  ASSERT_TRUE(eventually([&] { return keeper.is_durable(first); }));
  std::filesystem::remove_all(home);
  ASSERT_TRUE(eventually([&] { return keeper.wants_everything(); }));
  const std::uint64_t second = keeper.put(blocks_of(0, 5), true);
  ASSERT_TRUE(eventually([&] { return keeper.is_durable(second); }));
  EXPECT_EQ(std::filesystem::status(home).permissions(), std::filesystem::perms{0710});
  EXPECT_EQ(BlockStore::open(path).records.size(), 5u);
}

TEST_F(LostFileTest, whose_folder_cannot_be_made_again_names_the_remedy) {
  const std::string home = folder_.path() + "/more/home";
  const std::string path = home + "/state.db";
  std::filesystem::create_directories(home);
  Opened opened = BlockStore::open(path);
  Keeper keeper(
      {.path = path}, std::move(opened.store), [this] { ring(); }, [](const std::string&) {});
  const std::uint64_t first = keeper.put(blocks_of(0, 4), true);
  ASSERT_TRUE(eventually([&] { return keeper.is_durable(first); }));
  std::filesystem::remove_all(folder_.path() + "/more");
  const auto names_remedy = [&] {
    return keeper.trouble().find("install -d") != std::string::npos;
  };
  EXPECT_TRUE(eventually(names_remedy)) << keeper.trouble();
  const std::string missing = keeper.stop([] { return Everything{blocks_of(0, 4), {}}; });
  EXPECT_NE(missing.find("lacks 4 blocks"), std::string::npos) << missing;
  EXPECT_NE(missing.find("install -d"), std::string::npos) << missing;
}

TEST_F(LostFileTest, is_noticed_though_nothing_is_written) {
  start();
  const std::uint64_t first = keeper_->put(blocks_of(0, 3), true);
  ASSERT_TRUE(eventually([&] { return keeper_->is_durable(first); }));
  remove("");
  ASSERT_TRUE(eventually([&] { return keeper_->is_degraded(); }));
  ASSERT_TRUE(eventually([&] { return keeper_->wants_everything(); }));
}

}  // namespace
}  // namespace edgesentry::store
