#include "store/block_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/scratch.h"

namespace edgesentry::store {
namespace {

namespace fs = std::filesystem;

Record record_of(std::uint32_t number) {
  Record record;
  record.source = base::Ip::v4(0x0a000000 + number);
  record.origin = number % 2 == 0 ? Origin::detector : Origin::operator_order;
  record.is_offence = number % 2 == 0;
  record.offences = number % 7;
  record.since = 1'700'000'000'000'000 + number;
  record.until = number % 5 == 0 ? kForever : record.since + 600'000'000;
  record.quiet_since = record.since;
  record.released = number % 3;
  if (number % 11 == 0) record.reason = "it's \"quoted\" \xc3\xa9";
  return record;
}

std::vector<Record> records_of(std::uint32_t count) {
  std::vector<Record> records;
  for (std::uint32_t i = 0; i < count; ++i) records.push_back(record_of(i));
  return records;
}

std::vector<Record> sorted(std::vector<Record> records) {
  std::ranges::sort(records, {}, &Record::source);
  return records;
}

void fill(const std::string& path, const std::vector<Record>& records) {
  Opened opened = BlockStore::open(path);
  ASSERT_NE(opened.store, nullptr);
  ASSERT_TRUE(opened.store->write(records));
  ASSERT_TRUE(opened.store->settle());
}

void overwrite(const std::string& path, std::streamoff at, std::size_t bytes, char with) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(at);
  const std::string garbage(bytes, with);
  file.write(garbage.data(), static_cast<std::streamsize>(garbage.size()));
}

class BlockStoreTest : public ::testing::Test {
 protected:
  test::Scratch folder_;
  const std::string path_ = (folder_.path() + "/state.db");
};

TEST_F(BlockStoreTest, begins_with_nothing_and_says_nothing) {
  const Opened opened = BlockStore::open(path_);
  EXPECT_NE(opened.store, nullptr);
  EXPECT_TRUE(opened.records.empty());
  EXPECT_TRUE(opened.notes.empty());
}

TEST_F(BlockStoreTest, keeps_its_files_from_others_whatever_the_umask) {
  const mode_t before = ::umask(0);
  {
    const Opened opened = BlockStore::open(path_);
    ASSERT_NE(opened.store, nullptr);
    EXPECT_TRUE(opened.store->write(records_of(10)));
    for (const char* suffix : {"", "-wal", "-shm"})
      EXPECT_EQ(fs::status(path_ + suffix).permissions(), fs::perms{0640}) << suffix;
  }
  overwrite(path_, 0, 4096, '\xff');
  EXPECT_NE(BlockStore::open(path_).store, nullptr);
  EXPECT_EQ(fs::status(path_).permissions(), fs::perms{0640}) << "the one made anew";
  ::umask(before);
}

TEST_F(BlockStoreTest, gives_back_what_was_written_in_both_families) {
  std::vector<Record> records = records_of(100);
  records[7].source = *base::Ip::parse("2001:db8:1:2::");
  fill(path_, records);
  const Opened opened = BlockStore::open(path_);
  EXPECT_TRUE(opened.notes.empty());
  EXPECT_EQ(sorted(opened.records), sorted(records));
}

TEST_F(BlockStoreTest, keeps_the_newest_record_of_a_source) {
  fill(path_, {record_of(4)});
  Record changed = record_of(4);
  changed.standing = Standing::remembered;
  changed.until = changed.since + 1;
  fill(path_, {changed});
  EXPECT_EQ(BlockStore::open(path_).records, std::vector<Record>{changed});
}

TEST_F(BlockStoreTest, takes_away_what_is_forgotten) {
  fill(path_, records_of(3));
  fill(path_, {{.source = record_of(1).source, .standing = Standing::forgotten},
               {.source = record_of(9).source, .standing = Standing::forgotten}});
  EXPECT_EQ(sorted(BlockStore::open(path_).records),
            (std::vector<Record>{record_of(0), record_of(2)}));
}

TEST_F(BlockStoreTest, is_whole_though_nobody_closed_it) {
  // As after SIGKILL: the second opening reads the log that the first has left.
  Opened first = BlockStore::open(path_);
  ASSERT_TRUE(first.store->write(records_of(50)));
  const std::string copy = (folder_.path() + "/copy.db");
  fs::copy(path_, copy);
  fs::copy(path_ + "-wal", copy + "-wal");
  EXPECT_EQ(BlockStore::open(copy).records.size(), 50u);
}

TEST_F(BlockStoreTest, saves_both_ends_of_a_file_with_a_broken_page) {
  fill(path_, records_of(5000));
  const auto size = static_cast<std::streamoff>(fs::file_size(path_));
  overwrite(path_, size / 2 / 4096 * 4096, 4096, '\xff');
  const Opened opened = BlockStore::open(path_);
  ASSERT_NE(opened.store, nullptr);
  ASSERT_FALSE(opened.notes.empty());
  EXPECT_NE(opened.notes[0].find(path_ + ".damaged"), std::string::npos) << opened.notes[0];
  EXPECT_TRUE(fs::exists(path_ + ".damaged"));
  EXPECT_GT(opened.records.size(), 4500u);
  EXPECT_LT(opened.records.size(), 5000u);
  // What was saved stands in the new file.
  EXPECT_EQ(BlockStore::open(path_).records.size(), opened.records.size());
}

TEST_F(BlockStoreTest, saves_what_stands_between_broken_pages) {
  std::vector<Record> records = records_of(5000);
  for (std::uint32_t i = 0; i < records.size(); ++i)
    records[i].source = base::Ip::v4(i * 2'654'435'761u);  // all over the address space
  fill(path_, records);
  const auto pages = static_cast<std::streamoff>(fs::file_size(path_) / 4096);
  ASSERT_GT(pages, 60);
  for (const int part : {3, 5, 7}) overwrite(path_, pages * part / 10 * 4096, 4096, '\xff');
  const Opened opened = BlockStore::open(path_);
  ASSERT_NE(opened.store, nullptr);
  RecordProperty("saved", static_cast<int>(opened.records.size()));
  EXPECT_GT(opened.records.size(), 5000u - 3 * 120u);
  EXPECT_LT(opened.records.size(), 5000u);
  EXPECT_EQ(BlockStore::open(path_).records.size(), opened.records.size()) << "one came twice";
  std::vector<Record> known = sorted(records);
  for (const Record& record : opened.records)
    EXPECT_TRUE(std::ranges::binary_search(known, record.source, {}, &Record::source));
}

TEST_F(BlockStoreTest, saves_what_a_truncated_file_still_holds) {
  std::vector<Record> records = records_of(5000);
  for (std::uint32_t i = 0; i < records.size(); ++i)
    records[i].source = base::Ip::v4(i * 2'654'435'761u);
  fill(path_, records);
  fs::resize_file(path_, fs::file_size(path_) * 6 / 10);
  const Opened opened = BlockStore::open(path_);
  ASSERT_NE(opened.store, nullptr);
  EXPECT_GT(opened.records.size(), 5000u * 55 / 100);
  EXPECT_EQ(BlockStore::open(path_).records.size(), opened.records.size());
}

TEST_F(BlockStoreTest, saves_the_front_of_a_truncated_file) {
  fill(path_, records_of(5000));
  fs::resize_file(path_, fs::file_size(path_) / 2);
  const Opened opened = BlockStore::open(path_);
  ASSERT_NE(opened.store, nullptr);
  EXPECT_FALSE(opened.notes.empty());
  EXPECT_GT(opened.records.size(), 1000u);
  for (const Record& record : opened.records)
    EXPECT_EQ(record, record_of(record.source.v4_value() - 0x0a000000));
}

TEST_F(BlockStoreTest, begins_anew_beside_a_file_of_garbage) {
  std::ofstream(path_) << "this is no database, whatever its name says, and it is long enough";
  std::ofstream(path_ + ".damaged") << "an earlier one";
  const Opened opened = BlockStore::open(path_);
  ASSERT_NE(opened.store, nullptr);
  EXPECT_TRUE(opened.records.empty());
  ASSERT_FALSE(opened.notes.empty());
  EXPECT_TRUE(fs::exists(path_ + ".damaged.2")) << "the earlier one was overwritten";
  EXPECT_TRUE(opened.store->write(records_of(3)));
}

TEST_F(BlockStoreTest, begins_anew_in_a_file_of_no_or_one_byte_and_says_so) {
  for (const std::string bytes : {"", "S"}) {
    std::ofstream{path_} << bytes;
    fs::permissions(path_, fs::perms::owner_read | fs::perms::owner_write);
    const Opened opened = BlockStore::open(path_);
    ASSERT_NE(opened.store, nullptr);
    ASSERT_FALSE(opened.notes.empty());
    EXPECT_NE(opened.notes[0].find("no database"), std::string::npos) << opened.notes[0];
    EXPECT_TRUE(opened.store->write(records_of(3)));
  }
}

TEST_F(BlockStoreTest, leaves_out_rows_that_make_no_sense) {
  fill(path_, records_of(3));
  {
    auto database = Database::open(path_, Database::Access::read_write);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database.value().run(
        "INSERT INTO source VALUES(x'010203', 1, 1, 0, 0, 0, 1, 0, 0, '');"
        "INSERT INTO source VALUES(x'01020304', 9, 1, 0, 0, 0, 1, 0, 0, '');"
        "INSERT INTO source VALUES(x'01020305', 1, 1, 0, -1, 0, 1, 0, 0, '');"
        "INSERT INTO source VALUES(x'01020306', 1, 1, 0, 1, 9, 1, 0, 0, '');"
        "INSERT INTO source VALUES(x'00000000000000000000ffff01020307', 1, 1, 0, 1, 0, 1, 0, 0, "
        "'');"));
  }
  const Opened opened = BlockStore::open(path_);
  EXPECT_EQ(opened.records.size(), 3u);
  ASSERT_EQ(opened.notes.size(), 1u);
  EXPECT_NE(opened.notes[0].find("5 rows"), std::string::npos) << opened.notes[0];
}

TEST_F(BlockStoreTest, goes_on_in_memory_where_no_file_can_be) {
  const Opened opened = BlockStore::open((folder_.path() + "/no/such/folder/state.db"));
  EXPECT_EQ(opened.store, nullptr);
  ASSERT_EQ(opened.notes.size(), 1u);
  EXPECT_NE(opened.notes[0].find("memory only"), std::string::npos) << opened.notes[0];
}

TEST_F(BlockStoreTest, writes_all_of_a_batch_or_nothing) {
  fill(path_, {});
  auto other = Database::open(path_, Database::Access::read_write);
  ASSERT_TRUE(other);
  // A row that the table refuses, in the middle of the batch.
  ASSERT_TRUE(other.value().run(
      "CREATE TRIGGER refuse BEFORE INSERT ON source WHEN NEW.reason = 'refuse' BEGIN SELECT "
      "RAISE(ABORT, 'refused'); END"));
  Opened opened = BlockStore::open(path_);
  const auto rows = [&] { return other.value().ask("SELECT count(*) FROM source").value(); };
  std::vector<Record> records = records_of(10);
  records[5].reason = "refuse";
  EXPECT_FALSE(opened.store->write(records));
  EXPECT_EQ(rows(), 0);
  records[5].reason.clear();
  EXPECT_TRUE(opened.store->write(records));
  EXPECT_EQ(rows(), 10);
}

TEST_F(BlockStoreTest, forgets_old_memories_and_surplus_ones_but_no_block) {
  std::vector<Record> records = records_of(40);
  for (std::uint32_t i = 0; i < 40; ++i) {
    records[i].quiet_since = i;
    if (i >= 10) records[i].standing = Standing::remembered;
  }
  fill(path_, records);
  Opened opened = BlockStore::open(path_);
  ASSERT_TRUE(opened.store->prune(15, 20));
  const std::vector<Record> left = BlockStore::open(path_).records;
  EXPECT_EQ(std::ranges::count(left, Standing::blocked, &Record::standing), 10);
  EXPECT_EQ(std::ranges::count(left, Standing::remembered, &Record::standing), 20);
  for (const Record& record : left)
    EXPECT_TRUE(record.standing == Standing::blocked || record.quiet_since >= 20);
}

TEST_F(BlockStoreTest, gives_back_what_is_allowed_and_only_the_last_of_it) {
  const Allowed before = {"192.0.2.0/24", "198.51.100.7"};
  const Allowed after = {"198.51.100.7", "2001:db8::/48"};
  {
    Opened opened = BlockStore::open(path_);
    ASSERT_TRUE(opened.store->write(records_of(2), &before));
    ASSERT_TRUE(opened.store->write(records_of(3)));  // says nothing of it
  }
  {
    Opened opened = BlockStore::open(path_);
    EXPECT_EQ(opened.allowed, before);
    ASSERT_TRUE(opened.store->write({}, &after));
  }
  const Opened opened = BlockStore::open(path_);
  EXPECT_EQ(opened.allowed, after);
  EXPECT_EQ(opened.records.size(), 3u);
}

TEST_F(BlockStoreTest, brings_the_file_of_the_first_layout_up_to_date) {
  fill(path_, records_of(20));
  {
    auto database = Database::open(path_, Database::Access::read_write);
    ASSERT_TRUE(database);
    // As the first layout was: without the table that came later.
    ASSERT_TRUE(database.value().run("DROP TABLE allowed; PRAGMA user_version = 1;"));
  }
  const Allowed allowed = {"192.0.2.0/24"};
  {
    Opened opened = BlockStore::open(path_);
    ASSERT_NE(opened.store, nullptr);
    EXPECT_TRUE(opened.notes.empty());
    EXPECT_EQ(sorted(opened.records), sorted(records_of(20)));
    EXPECT_TRUE(opened.allowed.empty());
    ASSERT_TRUE(opened.store->write({}, &allowed));
  }
  EXPECT_EQ(BlockStore::open(path_).allowed, allowed);
  auto database = Database::open(path_, Database::Access::read_only);
  EXPECT_EQ(database.value().ask("PRAGMA user_version").value(), BlockStore::kLayout);
}

}  // namespace
}  // namespace edgesentry::store
