// The one thread of the command socket: accept, read, hand out, reply, cut off.
#pragma once

#include <atomic>
#include <map>
#include <memory>

#include "serve/command_server.h"
#include "serve/request_pool.h"
#include "serve/socket_file.h"

namespace edgesentry::serve {

class CommandServer::Loop {
 public:
  Loop(Settings settings, Handler handler, std::unique_ptr<SocketFile> listener);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  base::Status open();  // before run(); an error when the process is out of file descriptors
  void run();
  void stop() noexcept;  // any thread
  [[nodiscard]] const CommandNumbers& numbers() const noexcept { return numbers_; }

 private:
  using Id = std::uint64_t;
  void wake() noexcept;
  base::Status watch(int fd, Id id);
  void wait(bool has_more_to_do);
  void accept_all();
  void shed(const char* sentence);
  void take_in(int fd);
  bool make_room(const Connection& newcomer);
  void deliver_replies();
  bool advance(Id id, Connection& connection);
  void ask(Id id, Connection& connection, const std::string& line);
  void set_interest(Id id, const Connection& connection);
  [[nodiscard]] bool is_cut_off(const Connection& connection);

  Settings settings_;
  Handler handler_;
  std::unique_ptr<SocketFile> listener_;
  int epoll_ = -1;
  int wake_fd_ = -1;
  int spare_fd_ = -1;  // given up to be able to accept, and so refuse, when descriptors run out
  std::atomic<bool> is_stopping_{false};
  Id next_id_;
  std::map<Id, std::unique_ptr<Connection>> connections_;
  CommandNumbers numbers_;
  std::unique_ptr<RequestPool> pool_;
};

}  // namespace edgesentry::serve
