// One client of the command socket: bytes in, lines out, one request at a time, everything bounded.
//
// Owner: the server's thread. While a reply is being worked out or waits to be read, nothing more
// is read from the client; so a client that only writes fills its own socket buffer, not our
// memory.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace edgesentry::serve {

inline constexpr std::size_t kRequestBytesMax = 64 * 1024;  // one line

struct Peer {  // as the kernel knew it when the client connected
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;
};

class Connection {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Connection(int fd, Time deadline);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] const Peer& peer() const noexcept { return peer_; }
  [[nodiscard]] Time deadline() const noexcept { return deadline_; }
  void set_deadline(Time deadline) noexcept { deadline_ = deadline; }
  [[nodiscard]] bool comes_first() const noexcept { return comes_first_; }
  void set_comes_first(bool comes_first) noexcept { comes_first_ = comes_first; }

  void read_some();
  void write_some();

  // The next whole line without its newline; nullopt when there is none yet. Empty ones are
  // skipped.
  [[nodiscard]] std::optional<std::string> take_line();
  [[nodiscard]] bool has_line() const noexcept;
  [[nodiscard]] bool line_is_too_long() const noexcept;

  // The reply to the request at hand, as one line. `then_close`: the last one on this connection.
  void reply(std::string line, bool then_close = false);

  [[nodiscard]] bool wants_to_read() const noexcept;
  [[nodiscard]] bool wants_to_write() const noexcept { return sent_ < out_.size(); }
  [[nodiscard]] bool is_working() const noexcept { return is_working_; }
  // A request is under way: waits to be begun, is worked on, or its reply waits to be read.
  [[nodiscard]] bool is_busy() const noexcept {
    return !is_broken_ && (is_working_ || wants_to_write() || has_line());
  }
  void set_working() noexcept { is_working_ = true; }
  // Nothing more will come of it: the peer is gone, or all that was to be said is said.
  [[nodiscard]] bool is_over() const noexcept;
  void give_up() noexcept { is_broken_ = true; }

 private:
  int fd_;
  Peer peer_;
  Time deadline_;
  bool comes_first_ = false;
  std::string in_;
  std::size_t taken_ = 0;  // of in_
  std::string out_;
  std::size_t sent_ = 0;  // of out_
  bool is_working_ = false;
  bool has_ended_ = false;  // the peer writes no more
  bool is_last_reply_ = false;
  bool is_broken_ = false;
};

}  // namespace edgesentry::serve
