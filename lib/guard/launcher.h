// Starts one program, with arguments that were fixed before privileges were given up, as often as
// it is asked to: the way to have edgesentry-nft again although this process can start nothing.
//
// Both ends. The daemon's asks over a packet socket: 's' start, answered by the socket to the new
// process, or by a sentence; 'k' kill it. Nothing else crosses, so that whoever takes the daemon
// over gets the one program with the arguments that it has had all along. One thread each.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <span>
#include <string>

#include "base/result.h"

namespace edgesentry::guard {

class Launcher {
 public:
  // `socket` outlives it, and is its own.
  explicit Launcher(int socket) : socket_(socket) {}

  // The socket to a new process; the one before is killed. The caller closes it.
  [[nodiscard]] base::Result<int> launch(std::chrono::milliseconds limit);
  void kill() noexcept;

 private:
  int socket_;
};

// The other end: until the socket is closed. A process that was started goes on, and sees its own
// socket close.
void serve_launcher(int socket, std::span<const std::string> arguments);

}  // namespace edgesentry::guard
