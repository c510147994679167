#include "serve/request_pool.h"

#include <utility>

namespace edgesentry::serve {

RequestPool::RequestPool(std::uint32_t threads, std::function<void()> notify)
    : notify_(std::move(notify)) {
  for (std::uint32_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

RequestPool::~RequestPool() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  has_work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void RequestPool::submit(std::uint64_t connection, Job job) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({connection, std::move(job)});
  }
  has_work_.notify_one();
}

std::vector<RequestPool::Reply> RequestPool::take_replies() {
  const std::lock_guard lock(mutex_);
  return std::exchange(replies_, {});
}

void RequestPool::run() {
  for (;;) {
    Entry entry;
    {
      std::unique_lock lock(mutex_);
      has_work_.wait(lock, [this] { return is_stopping_ || !waiting_.empty(); });
      if (is_stopping_) return;
      entry = std::move(waiting_.front());
      waiting_.pop_front();
    }
    std::string line = entry.job();
    {
      const std::lock_guard lock(mutex_);
      replies_.push_back({entry.connection, std::move(line)});
    }
    notify_();
  }
}

}  // namespace edgesentry::serve
