// A keeper with a file of its own, and what it said. Of the tests of the keeper.
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <condition_variable>
#include <csignal>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "store/keeper.h"
#include "support/scratch.h"

namespace edgesentry::store {

inline Record block_of(std::uint32_t number) {
  Record record;
  record.source = base::Ip::v4(0x0a000000 + number);
  record.since = record.quiet_since = 1'700'000'000'000'000;
  record.until = record.since + 600'000'000;
  return record;
}

inline std::vector<Record> blocks_of(std::uint32_t first, std::uint32_t count) {
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
    return bell_.wait_for(lock, std::chrono::seconds(30), condition);
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

}  // namespace edgesentry::store
