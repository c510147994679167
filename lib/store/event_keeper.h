// Keeps events in their file on a thread of its own, and looks there for who asks.
//
// put() and ask(): any thread; neither waits for the disk. What waits is bounded: past it events
// are lost and counted, and questions are refused. A disk that is full or away is tried again every
// second; trouble() says why. Answers are given on the keeper's thread. stop(): whoever made it,
// after the last put().
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/counter.h"
#include "base/units.h"
#include "store/event_record.h"
#include "store/event_store.h"

namespace edgesentry::store {

struct EventKeeperSettings {
  std::string path;
  std::chrono::seconds keep_for{90 * 24 * 3600};
  std::uint64_t bytes_max = std::uint64_t{1} << 30;
  std::size_t waiting_max = 1u << 14;
};

// Written under the keeper's lock, read by any.
struct alignas(base::kCacheLine) EventKeeperNumbers {
  base::Counter written;   // on disk
  base::Counter lost;      // never got there
  base::Counter failures;  // of the disk
  base::Counter bytes;     // gauge: of the file
  base::Counter degraded;  // gauge: 1 while it cannot be written
};

class EventKeeper {
 public:
  using Say = std::function<void(const std::string&)>;  // what was mended
  using Answer = std::function<void(EventPage&&)>;
  static constexpr std::size_t kQuestionsMax = 16;

  EventKeeper(EventKeeperSettings settings, Say say);
  ~EventKeeper();
  EventKeeper(const EventKeeper&) = delete;
  EventKeeper& operator=(const EventKeeper&) = delete;

  // False: there is no room; counted as lost.
  bool put(EventRecord&& event);
  // False: too many wait already, `answer` is not called; otherwise it is, once.
  bool ask(EventQuery query, Answer answer);
  void stop();

  [[nodiscard]] const EventKeeperNumbers& numbers() const noexcept { return numbers_; }
  [[nodiscard]] const std::string& path() const noexcept { return settings_.path; }
  [[nodiscard]] std::size_t waiting() const;
  // What is wrong; empty when all is well.
  [[nodiscard]] std::string trouble() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Question {
    EventQuery query;
    Answer answer;
  };

  void run();
  bool open_again();
  void write(std::vector<EventRecord>& events);
  void reply(std::vector<Question>& questions);
  void prune_sometimes();
  void give_up(const std::string& why, bool is_broken);
  void recover();

  const EventKeeperSettings settings_;
  const Say say_;

  mutable std::mutex mutex_;  // held for a push or a swap only
  std::condition_variable bell_;
  std::vector<EventRecord> waiting_;
  std::vector<Question> questions_;
  bool is_ending_ = false;
  std::string trouble_;

  // The keeper's thread only.
  std::unique_ptr<EventStore> store_;
  Clock::time_point retry_at_{};
  Clock::time_point prune_at_{};

  EventKeeperNumbers numbers_;
  std::thread thread_;
};

}  // namespace edgesentry::store
