// Live events for the clients of /v1/events/stream. The control thread hands them over and never
// waits; the server's own thread takes them out, numbers them as `events` does, and keeps the last
// kHeld, from which every client reads at its own pace. A client that is further behind than that
// is dropped, so that memory is bounded however slow it is.
//
// Identifiers are "RUN-NUMBER": a client of an earlier run, or of a number that is no longer held,
// gets what there is after an event "missed".
#pragma once

#include <tbb/concurrent_queue.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "report/event.h"
#include "serve/api_numbers.h"

namespace edgesentry::serve {

class EventFeed {
 public:
  static constexpr std::size_t kHeld = 8192;       // about 3 MiB of text
  static constexpr std::size_t kQueueMax = 16384;  // what a tenth of a second may bring

  class Stream;
  enum class Progress { some, none, over };

  EventFeed(std::uint64_t run, std::uint32_t streams_max) : run_(run), streams_max_(streams_max) {
    queue_.set_capacity(kQueueMax);
  }

  // --- the control thread ----------------------------------------------------------------------
  void offer(std::uint64_t number, const report::Event& event) noexcept;

  // --- the server's threads --------------------------------------------------------------------
  // nullptr: there are as many streams as may be.
  [[nodiscard]] std::shared_ptr<Stream> open(std::string_view last_event_id);
  // Bytes for the client. none: `sleep` was called, under the lock that wake() takes.
  Progress read(Stream& stream, char* out, std::size_t room, std::size_t& size,
                const std::function<void()>& sleep);
  void close(Stream& stream);
  // Takes out what came, wakes who waits for it, gives up those that are too slow.
  void pump(std::chrono::steady_clock::time_point now);
  void end();  // every stream is over from now on

  [[nodiscard]] ApiNumbers& numbers() noexcept { return numbers_; }
  [[nodiscard]] const ApiNumbers& numbers() const noexcept { return numbers_; }

  class Stream {
   public:
    // How the server wakes the connection, and how it cuts it off.
    std::function<void()> wake, cut;

   private:
    friend class EventFeed;
    std::uint64_t next = 0;
    std::string rest;  // of the text that did not fit
    std::size_t sent = 0;
    bool is_asleep = false;
    bool is_over = false;
    bool is_given_up = false;
    std::chrono::steady_clock::time_point spoke;
  };

 private:
  struct Numbered {
    std::uint64_t number = 0;
    report::Event event;
  };
  void place(Stream& stream, std::string_view last_event_id);
  static void rouse(Stream& stream);
  [[nodiscard]] std::uint64_t first() const noexcept { return end_ - held_.size(); }

  const std::uint64_t run_;
  const std::uint32_t streams_max_;
  tbb::concurrent_bounded_queue<Numbered> queue_;
  ApiNumbers numbers_;
  std::mutex mutex_;  // guards what follows
  std::deque<std::string> held_;
  std::uint64_t end_ = 0;  // one more than the number of the newest
  bool is_ended_ = false;
  std::vector<std::shared_ptr<Stream>> streams_;
};

}  // namespace edgesentry::serve
