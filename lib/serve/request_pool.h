// A few threads that work out replies, so that a command that waits for the control thread does not
// hold up the clients beside it. The queue is bounded: a full one refuses, and the work of a client
// that is gone is forgotten, so that asking and hanging up at once costs nobody anything.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace edgesentry::serve {

class RequestPool {
 public:
  struct Reply {
    std::uint64_t connection = 0;
    std::string line;
  };
  using Job = std::function<std::string()>;

  // `notify` is called on a pool thread after each reply.
  RequestPool(std::uint32_t threads, std::size_t waiting_max, std::function<void()> notify);
  ~RequestPool();  // forgets what waits, lets what is under way end
  RequestPool(const RequestPool&) = delete;
  RequestPool& operator=(const RequestPool&) = delete;

  // False: refused, because waiting_max requests wait already.
  [[nodiscard]] bool submit(std::uint64_t connection, Job job);
  // Its client is gone: what waits is not begun, and no reply is kept for it.
  void forget(std::uint64_t connection);
  [[nodiscard]] std::vector<Reply> take_replies();

 private:
  struct Entry {
    std::uint64_t connection;
    Job job;
  };
  void run();

  const std::size_t waiting_max_;
  std::function<void()> notify_;
  std::mutex mutex_;
  std::condition_variable has_work_;
  std::deque<Entry> waiting_;   // under mutex_
  std::vector<Reply> replies_;  // under mutex_
  bool is_stopping_ = false;    // under mutex_
  std::vector<std::thread> threads_;
};

}  // namespace edgesentry::serve
