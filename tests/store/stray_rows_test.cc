#include "store/stray_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "store/block_store.h"
#include "support/scratch.h"

namespace edgesentry::store {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kRecords = 20'000;
constexpr std::uintmax_t kPage = 4096;

Record record_of(std::uint32_t number) {
  Record record;
  if (number % 3 == 0) {
    std::array<std::uint8_t, 16> bytes{0x20, 0x01, 0x0d, 0xb8};
    for (std::size_t i = 0; i < 4; ++i)
      bytes[4 + i] = static_cast<std::uint8_t>(number * 2'654'435'761u >> (8 * i));
    record.source = base::Ip::from_bytes(bytes);
  } else {
    record.source = base::Ip::v4(number * 2'654'435'761u);
  }
  record.standing = number % 4 == 0 ? Standing::remembered : Standing::blocked;
  record.origin = number % 2 == 0 ? Origin::detector : Origin::operator_order;
  record.is_offence = number % 2 == 0;
  record.offences = number;
  record.since = 1'700'000'000'000'000 + number;
  record.until = number % 5 == 0 ? kForever : record.since + 600'000'000;
  record.quiet_since = record.since;
  record.released = number % 3;
  record.reason = std::string(number % 40, 'r');
  return record;
}

class StrayRows : public ::testing::Test {
 protected:
  void SetUp() override {
    for (std::uint32_t i = 0; i < kRecords; ++i) records_.push_back(record_of(i));
    write(records_);
  }
  void write(const std::vector<Record>& records) {
    Opened opened = BlockStore::open(path_);
    ASSERT_NE(opened.store, nullptr);
    ASSERT_TRUE(opened.store->write(records));
    ASSERT_TRUE(opened.store->settle());
  }
  void spoil_first_page() {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    const std::string garbage(kPage, '\x5a');
    file.write(garbage.data(), static_cast<std::streamsize>(garbage.size()));
  }
  [[nodiscard]] std::vector<std::uint8_t> bytes() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static std::vector<Record> sorted(std::vector<Record> records) {
    std::ranges::sort(records, {}, &Record::source);
    return records;
  }

  test::Scratch folder_;
  std::string path_ = folder_.path() + "/state.db";
  std::vector<Record> records_;
};

TEST_F(StrayRows, are_all_of_a_file_without_its_first_page) {
  spoil_first_page();
  const Opened opened = BlockStore::open(path_);
  ASSERT_NE(opened.store, nullptr);
  ASSERT_FALSE(opened.notes.empty());
  EXPECT_TRUE(sorted(opened.records) == sorted(records_)) << opened.records.size();
  EXPECT_EQ(BlockStore::open(path_).records.size(), kRecords) << "not in the new file";
}

TEST_F(StrayRows, are_those_on_the_pages_that_a_cut_left) {
  const std::uintmax_t size = fs::file_size(path_);
  for (const int percent : {75, 50, 25}) {
    fs::remove(path_);
    write(records_);
    fs::resize_file(path_, size * static_cast<std::uintmax_t>(percent) / 100);
    const Opened opened = BlockStore::open(path_);
    ASSERT_NE(opened.store, nullptr);
    EXPECT_GT(opened.records.size(), kRecords * static_cast<std::size_t>(percent - 3) / 100);
    const std::vector<Record> all = sorted(records_);
    for (const Record& record : opened.records) {
      const auto found = std::ranges::lower_bound(all, record.source, {}, &Record::source);
      ASSERT_TRUE(found != all.end() && *found == record);
    }
  }
}

TEST_F(StrayRows, are_none_that_were_taken_away) {
  std::vector<Record> gone(records_.begin(), records_.begin() + kRecords * 3 / 4);
  for (Record& record : gone) record.standing = Standing::forgotten;
  write(gone);
  spoil_first_page();
  const Opened opened = BlockStore::open(path_);
  const std::vector<Record> left(records_.begin() + kRecords * 3 / 4, records_.end());
  EXPECT_TRUE(sorted(opened.records) == sorted(left)) << opened.records.size();
}

TEST_F(StrayRows, are_as_the_log_has_them) {
  Record changed = records_[1];
  changed.until = kForever;
  changed.reason = "later";
  Record gone = records_[2];
  gone.standing = Standing::forgotten;
  const std::string copy = folder_.path() + "/copy.db";
  {
    Opened opened = BlockStore::open(path_);
    ASSERT_NE(opened.store, nullptr);
    const std::vector<Record> changes = {changed, gone};
    ASSERT_TRUE(opened.store->write(changes));
    for (const char* more : {"", "-wal"}) fs::copy_file(path_ + more, copy + more);
  }
  path_ = copy;
  std::fstream(path_, std::ios::in | std::ios::out | std::ios::binary)
      << std::string(kPage, '\x5a');
  const Opened opened = BlockStore::open(path_);
  EXPECT_EQ(opened.records.size(), kRecords - 1);
  const auto found = std::ranges::find(opened.records, changed.source, &Record::source);
  ASSERT_NE(found, opened.records.end());
  EXPECT_EQ(*found, changed);
  EXPECT_EQ(std::ranges::find(opened.records, gone.source, &Record::source), opened.records.end());
}

TEST_F(StrayRows, of_hostile_bytes_are_bounded_and_read_in_bounds) {
  const std::vector<std::uint8_t> whole = bytes();
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    // On the heap and no larger, so that a sanitizer sees what is read past the end.
    std::vector<std::uint8_t> part(
        whole.begin(), whole.begin() + random() % std::min<std::size_t>(65536, whole.size()));
    for (std::size_t i = 0; i < part.size() / 64; ++i)
      part[random() % part.size()] = static_cast<std::uint8_t>(random());
    EXPECT_LE(stray_rows(part).size(), part.size() / 8);
  }
  EXPECT_TRUE(stray_rows({}).empty());
}

}  // namespace
}  // namespace edgesentry::store
