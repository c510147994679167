// Writes blocks to their file on a thread of its own, so that the control thread never waits for a
// disk.
//
// put() hands records over and returns a number; once is_durable(number), they outlive a power cut.
// Records that wait for the disk replace each other by source. A disk that is full, away or read
// only degrades to memory: health() says so, what waits is tried again every second, and nothing is
// forgotten below `pending_max` sources (past it memories go first, and are counted). A file that
// breaks, is changed by somebody else, cut short or taken away while it is in use is begun anew, in
// its folder, which is made again when it is gone. That is looked for once a second, after each
// commit and at the end; wants_everything() then asks the owner of the ledger to put all of it once
// more, and health() is bad until that is done. What cannot be written at the end is counted and
// said.
//
// put() and wants_everything(): the control thread. health(), is_durable(): any thread. stop():
// whoever made it, after the last put().
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/counter.h"
#include "base/ip.h"
#include "base/units.h"
#include "store/block_store.h"
#include "store/home_folder.h"
#include "store/record.h"

namespace edgesentry::store {

struct KeeperSettings {
  std::string path;
  std::chrono::seconds forget_after{7 * 24 * 3600};
  std::uint32_t history_max = 1u << 16;
  std::size_t pending_max = 1u << 18;
  std::string trouble;  // why there is no store to begin with; empty: nobody knows
};

// All that the ledger has.
struct Everything {
  std::vector<Record> records;
  Allowed allowed;
};

// Written by the keeper's thread, read by any.
struct alignas(base::kCacheLine) KeeperNumbers {
  base::Counter written;  // records on disk
  base::Counter commits;
  base::Counter failures;  // of the disk
  base::Counter lost;      // memories that never got to the disk
  base::Counter pending;   // gauge: records that wait for the disk
  base::Counter degraded;  // gauge: 1 while there is memory only
};

class Keeper {
 public:
  using Wake = std::function<void()>;                   // after each commit, and when it degrades
  using Say = std::function<void(const std::string&)>;  // on the keeper's thread, once each time

  Keeper(KeeperSettings settings, std::unique_ptr<BlockStore> store, Wake wake, Say say);
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  // `is_urgent`: somebody waits for it; otherwise it may wait for company.
  std::uint64_t put(std::vector<Record>&& records, bool is_urgent);
  // All that is allowed now; somebody waits for it.
  std::uint64_t put(Allowed&& allowed);
  [[nodiscard]] bool is_durable(std::uint64_t number) const noexcept {
    // acquire: pairs with the release after the commit
    return durable_.load(std::memory_order_acquire) >= number;
  }
  // True once after the file was begun anew.
  [[nodiscard]] bool wants_everything() noexcept {
    return wants_everything_.exchange(false, std::memory_order_acq_rel);
  }
  [[nodiscard]] const KeeperNumbers& numbers() const noexcept { return numbers_; }
  [[nodiscard]] bool is_degraded() const noexcept { return numbers_.degraded.value() != 0; }
  // What is wrong; empty when all is well.
  [[nodiscard]] std::string trouble() const;
  [[nodiscard]] const std::string& path() const noexcept { return settings_.path; }
  // Writes what waits, settles the file and ends the thread. A file that was lost is begun anew and
  // gets all that `everything` gives, which is called at most once a try, on the keeper's thread.
  // Afterwards: what is not in the file, as a sentence; empty: nothing.
  using Ask = std::function<Everything()>;
  std::string stop(const Ask& everything = {});

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  void finish();
  void take_everything();
  [[nodiscard]] std::string what_is_missing() const;
  void take(std::unique_lock<std::mutex>& lock);
  bool write_pending();
  void give_up(const base::Error& error, Fault fault);
  void look_around(bool is_idle);
  void recover();
  bool is_refilling();
  bool open_again();
  void still_without(const std::string& trouble);
  void prune_sometimes();
  void shed();

  const KeeperSettings settings_;
  const Wake wake_;
  const Say say_;

  mutable std::mutex mutex_;  // held for a push or a swap only
  std::condition_variable bell_;
  std::vector<Record> incoming_;
  std::optional<Allowed> allowed_incoming_;
  std::uint64_t put_ = 0;
  bool is_urgent_ = false;
  bool is_ending_ = false;
  Ask everything_;       // before is_ending_
  std::string missing_;  // after the thread
  std::string trouble_;

  // The keeper's thread only.
  std::unique_ptr<BlockStore> store_;
  HomeFolder home_;
  bool lacks_most_ = false;  // begun anew, or to be, and not full again
  std::unordered_map<base::Ip, Record, base::IpHash> pending_;
  std::optional<Allowed> allowed_pending_;
  std::uint64_t taken_ = 0;
  Clock::time_point retry_at_{};
  Clock::time_point prune_at_;
  Clock::time_point look_at_{};
  Clock::time_point refilled_at_{};

  std::atomic<std::uint64_t> durable_{0};
  std::atomic<bool> wants_everything_{false};
  KeeperNumbers numbers_;
  std::thread thread_;
};

}  // namespace edgesentry::store
