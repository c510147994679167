// A few threads that do what may wait; a full queue refuses. stop() does what was taken, so that
// nobody waits for ever.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace edgesentry::serve {

class JobPool {
 public:
  JobPool(std::size_t threads, std::size_t waiting_max) : waiting_max_(waiting_max) {
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
  }
  ~JobPool() { stop(); }
  JobPool(const JobPool&) = delete;
  JobPool& operator=(const JobPool&) = delete;

  [[nodiscard]] bool submit(std::function<void()> job) {
    {
      const std::lock_guard lock(mutex_);
      if (is_stopping_ || waiting_.size() >= waiting_max_) return false;
      waiting_.push_back(std::move(job));
    }
    has_work_.notify_one();
    return true;
  }
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      is_stopping_ = true;
    }
    has_work_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  void run() {
    for (;;) {
      std::unique_lock lock(mutex_);
      has_work_.wait(lock, [this] { return is_stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      const std::function<void()> job = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      job();
    }
  }

  const std::size_t waiting_max_;
  std::mutex mutex_;
  std::condition_variable has_work_;
  std::deque<std::function<void()>> waiting_;  // under mutex_
  bool is_stopping_ = false;                   // under mutex_
  std::vector<std::thread> threads_;
};

}  // namespace edgesentry::serve
