// The last step of a sink: bytes to a file or a socket. Used by one thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace edgesentry::report {

class Transport {
 public:
  virtual ~Transport() = default;
  // `record` is one or more lines, each ending in a newline. What was sent is removed from its
  // front, also when the end could not be sent: calling again continues where it stopped.
  virtual base::Status send(std::string& record) = 0;
  [[nodiscard]] virtual std::string_view place() const noexcept { return "memory"; }
};

}  // namespace edgesentry::report
