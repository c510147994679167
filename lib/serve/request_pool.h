// A few threads that work out replies, so that a command that waits for the control thread does not
// hold up the clients beside it. The queue is bounded by the server: one request per connection.
#pragma once

#include <condition_variable>
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
  RequestPool(std::uint32_t threads, std::function<void()> notify);
  ~RequestPool();  // forgets what waits, lets what is under way end
  RequestPool(const RequestPool&) = delete;
  RequestPool& operator=(const RequestPool&) = delete;

  void submit(std::uint64_t connection, Job job);
  [[nodiscard]] std::vector<Reply> take_replies();

 private:
  struct Entry {
    std::uint64_t connection;
    Job job;
  };
  void run();

  std::function<void()> notify_;
  std::mutex mutex_;
  std::condition_variable has_work_;
  std::deque<Entry> waiting_;   // under mutex_
  std::vector<Reply> replies_;  // under mutex_
  bool is_stopping_ = false;    // under mutex_
  std::vector<std::thread> threads_;
};

}  // namespace edgesentry::serve
