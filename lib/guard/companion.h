// A program of ours that is started while this process still may, and lives beside it: no file but
// its sockets (descriptor 3 and up) and standard error, an empty environment, a process group of
// its own. It ends when the sockets are closed.
//
// Owner: whoever started it. start() before privileges are given up; the rest needs none.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace edgesentry::guard {

class Companion {
 public:
  // arguments[0] is the program, with its whole path. Packet sockets, `count` of them.
  static base::Result<std::unique_ptr<Companion>> start(const std::vector<std::string>& arguments,
                                                        std::size_t count);
  ~Companion();  // closes the sockets and gives it a moment to end
  Companion(const Companion&) = delete;
  Companion& operator=(const Companion&) = delete;

  [[nodiscard]] int socket(std::size_t index) const { return sockets_.at(index); }
  void close() noexcept;

 private:
  Companion() = default;
  pid_t pid_ = -1;
  std::vector<int> sockets_;
};

}  // namespace edgesentry::guard
