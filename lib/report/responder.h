// Runs the operator's command for each new block, in a TBB arena of its own: a few at once, each
// with a deadline, the rest in a bounded queue. offer() never waits and never runs a command
// itself.
#pragma once

#include <tbb/concurrent_queue.h>
#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "report/child.h"
#include "report/command.h"
#include "report/event.h"

namespace edgesentry::report {

struct ResponderNumbers {  // written by several threads: locked additions, off the packet path
  std::atomic<std::uint64_t> succeeded{0}, failed{0}, timed_out{0}, refused{0};
  std::atomic<std::uint64_t> queued{0}, running{0};  // gauges
};

class Responder {
 public:
  struct Settings {
    Arguments command;  // empty: nothing is run
    std::uint32_t concurrent_max = 4;
    std::uint32_t queue_max = 1024;
    std::chrono::milliseconds deadline{10'000};
    // Who runs it, waiting for its end; empty: a child of this process.
    std::function<base::Result<ChildEnd>(const CommandValues&, int give_up_fd)> run;
  };
  explicit Responder(Settings settings);
  ~Responder();  // as stop() without time to spare
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;

  // Any thread. Only a new block that did not fail is answered by the command; true for all else.
  // False: the queue is full; counted.
  bool offer(const Event& event) noexcept;

  // Lets what is queued and running end until the deadline, then kills what runs and forgets the
  // rest (counted as refused). Called once, after the last offer.
  void stop(std::chrono::milliseconds deadline);

  [[nodiscard]] const ResponderNumbers& numbers() const noexcept { return numbers_; }
  // Why the last command that failed did so; empty when none has.
  [[nodiscard]] std::string last_trouble() const;

 private:
  void work_off();
  void run(const CommandValues& values);
  bool claim_runner() noexcept;
  void start_runner() noexcept;

  Settings settings_;
  // TBB otherwise starts no more threads than there are cores, and these only wait for children.
  tbb::global_control threads_;
  tbb::task_arena arena_;
  tbb::task_group group_;
  tbb::concurrent_bounded_queue<CommandValues> queue_;
  ResponderNumbers numbers_;
  int give_up_fd_;  // readable once stop() has run out of time
  std::atomic<bool> giving_up_{false};

  mutable std::mutex mutex_;
  std::condition_variable idle_;
  std::uint32_t runners_ = 0;  // under mutex_: tasks in the arena
  bool stopped_ = false;       // under mutex_
  std::string last_trouble_;   // under mutex_
};

}  // namespace edgesentry::report
