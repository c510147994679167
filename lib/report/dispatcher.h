// Hands events to the sinks on a thread of its own. offer() never waits: a full queue refuses the
// event and counts it. One sink that is slow delays the others but never the control thread.
#pragma once

#include <tbb/concurrent_queue.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "report/doorbell.h"
#include "report/event.h"
#include "report/sink.h"

namespace edgesentry::report {

class Dispatcher {
 public:
  // 16,384 events are about 8 MiB, and a burst of 80 seconds at the default limit of lines.
  static constexpr std::uint32_t kQueueMax = 16'384;

  // Told on the dispatcher's thread, once each time, that a sink cannot write and that it can
  // again: what nobody would read in a log that is broken. At most twice a second and sink.
  using Say = std::function<void(const std::string& sentence)>;

  explicit Dispatcher(std::vector<std::unique_ptr<Sink>> sinks, std::uint32_t queue_max = kQueueMax,
                      Say say = {});
  ~Dispatcher();  // stops without a deadline to spare: what is queued is abandoned
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // Any thread. False: refused and counted.
  bool offer(Event&& event) noexcept;

  // Writes what is queued until the deadline, then ends the thread; the rest counts as refused.
  // Called once, by the thread that owns the dispatcher, after the last offer.
  void stop(std::chrono::milliseconds deadline);

  // --- any thread ------------------------------------------------------------------------------
  [[nodiscard]] std::span<const std::unique_ptr<Sink>> sinks() const noexcept { return sinks_; }
  [[nodiscard]] std::uint64_t refused() const noexcept {
    return refused_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::size_t queued() const noexcept;
  // A row per sink.
  [[nodiscard]] std::vector<SinkHealth> health() const;

 private:
  void run();
  std::size_t write_some();
  void write_to_all(const Event& event, std::size_t except);
  void note(std::size_t sink, const base::Status& status, bool is_whole);
  void note_failure(std::size_t sink, const std::string& sentence);
  void note_recovery(std::size_t sink);
  void tell(std::size_t about, std::string sentence, std::string_view more);
  void flush_all();
  void finish_all();

  std::vector<std::unique_ptr<Sink>> sinks_;
  tbb::concurrent_bounded_queue<Event> queue_;
  Doorbell bell_;
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<bool> stopping_{false};
  std::chrono::steady_clock::time_point deadline_{};  // written before stopping_ is set
  mutable std::mutex troubles_mutex_;
  struct Trouble {
    std::string sentence;  // empty: it works
    WallTime since;
    std::uint64_t lost_before = 0;
  };
  std::vector<Trouble> troubles_;  // one per sink; only the dispatcher's thread writes
  Say say_;
  std::thread thread_;
};

}  // namespace edgesentry::report
