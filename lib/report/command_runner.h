// The operator's command, run by another process (app/edgesentry-run), which may be another user
// and holds no rights of ours: both ends of the sockets between the two.
//
// The daemon's end: run() waits for the end of one command, on a socket that nobody else uses
// meanwhile; as many at once as there are sockets. A process that was killed and is back again
// costs the command that it was running, no other.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/result.h"
#include "guard/companion.h"
#include "report/child.h"
#include "report/command.h"
#include "report/command_frame.h"

namespace edgesentry::report {

class CommandRunner {
 public:
  // `deadline` is the one that the process was started with.
  CommandRunner(std::unique_ptr<guard::Companion> process, std::size_t sockets,
                std::chrono::milliseconds deadline);

  // Any thread. As run_child(); an error, too, when the process is gone.
  [[nodiscard]] base::Result<ChildEnd> run(const CommandValues& values, int give_up_fd);

 private:
  [[nodiscard]] std::size_t claim();
  void release(std::size_t index);
  [[nodiscard]] base::Result<ChildEnd> run_on(int socket, const CommandValues& values,
                                              int give_up_fd);

  std::unique_ptr<guard::Companion> process_;
  const std::chrono::milliseconds deadline_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<std::size_t> free_;  // under mutex_
  std::uint64_t next_id_ = 1;      // under mutex_
};

// The other end, on a thread of its own for each socket, until it is closed. What is no request is
// not answered. Past `give_up_fd`, what runs is killed.
void serve_commands(int socket, const Arguments& command, std::chrono::milliseconds deadline,
                    int give_up_fd);

}  // namespace edgesentry::report
