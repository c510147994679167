// One publisher and several readers on a Published value: no reader ever sees a value that is being
// freed, none sees time run backwards, and every value but the last is freed while they read.
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "base/snapshot.h"

namespace edgesentry::base {
namespace {

constexpr std::uint64_t kVersions = 100'000;
constexpr std::uint32_t kReaders = 3;
constexpr std::size_t kWaitingMax = 8;

// Its second word betrays a value that was freed under its reader (as does TSan).
class Policy {
 public:
  Policy(std::uint64_t version, std::atomic<std::uint64_t>& freed)
      : version_(version), inverse_(~version), freed_(freed) {}
  ~Policy() {
    inverse_ = version_;
    freed_.fetch_add(1, std::memory_order_relaxed);  // read after the joins only
  }
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;
  [[nodiscard]] std::uint64_t version() const { return version_; }
  [[nodiscard]] bool is_alive() const { return inverse_ == ~version_; }

 private:
  std::uint64_t version_;
  std::uint64_t inverse_;
  std::atomic<std::uint64_t>& freed_;
};

class SnapshotStress : public testing::Test {
 protected:
  std::unique_ptr<const Policy> make(std::uint64_t version) {
    return std::make_unique<const Policy>(version, freed_);
  }
  void publish_all() {
    everybody_is_there_.arrive_and_wait();
    for (std::uint64_t version = 1; version <= kVersions; ++version) {
      published_.publish(make(version));
      // Readers must come along, or a long queue of old values is all that is tested.
      while (published_.reclaim() > kWaitingMax) std::this_thread::yield();
    }
  }
  // Reads until the last version is seen; `sleep_every` > 0 goes offline now and then.
  void read_all(std::uint32_t reader, std::uint64_t sleep_every) {
    published_.join(reader);
    everybody_is_there_.arrive_and_wait();
    std::uint64_t seen = 0;
    for (std::uint64_t round = 1; seen < kVersions; ++round) {
      const Policy& policy = published_.read();
      const std::uint64_t version = policy.version();
      ASSERT_GE(version, seen);
      ASSERT_LE(version, kVersions);
      seen = version;
      if (round % 16 == 0) std::this_thread::yield();  // hold the value over a context switch
      ASSERT_TRUE(policy.is_alive());
      if (sleep_every > 0 && round % sleep_every == 0) {
        published_.offline(reader);
        std::this_thread::yield();
        published_.online(reader);
      } else if (round % 4 == 0) {
        published_.quiescent(reader);
      }
    }
    published_.leave(reader);
  }

  std::latch everybody_is_there_{kReaders + 1};
  std::atomic<std::uint64_t> freed_{0};
  Published<Policy> published_{kReaders, make(0)};
};

TEST_F(SnapshotStress, frees_every_old_value_and_none_that_is_read) {
  std::vector<std::thread> readers;
  for (std::uint32_t reader = 0; reader < kReaders; ++reader)
    readers.emplace_back([this, reader] { read_all(reader, 0); });
  publish_all();
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(published_.reclaim(), 0u);
  EXPECT_EQ(freed_.load(std::memory_order_relaxed), kVersions);
}

TEST_F(SnapshotStress, lets_readers_sleep_and_come_back) {
  std::vector<std::thread> readers;
  for (std::uint32_t reader = 0; reader < kReaders; ++reader)
    readers.emplace_back([this, reader] { read_all(reader, 8 + reader); });
  publish_all();
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(published_.reclaim(), 0u);
  EXPECT_EQ(freed_.load(std::memory_order_relaxed), kVersions);
}

}  // namespace
}  // namespace edgesentry::base
