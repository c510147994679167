#include "serve/request_pool.h"

#include <utility>

namespace edgesentry::serve {

RequestPool::RequestPool(std::uint32_t threads, std::size_t waiting_max,
                         std::function<void()> notify)
    : waiting_max_(waiting_max), notify_(std::move(notify)) {
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

bool RequestPool::submit(std::uint64_t connection, Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= waiting_max_) return false;
    waiting_.push_back({connection, std::move(job)});
  }
  has_work_.notify_one();
  return true;
}

void RequestPool::forget(std::uint64_t connection) {
  const std::lock_guard lock(mutex_);
  std::erase_if(waiting_, [&](const Entry& entry) { return entry.connection == connection; });
  std::erase_if(replies_, [&](const Reply& reply) { return reply.connection == connection; });
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
