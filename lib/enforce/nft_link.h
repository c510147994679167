// The way to edgesentry-nft or edgesentry-xdp: a program that can be started, talked to and lost.
// The seam at which tests stand in for it.
//
// Owner: the control thread, all calls. Only wait() takes time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace edgesentry::enforce {

class NftLink {
 public:
  enum class Got : std::uint8_t { frame, nothing, gone };

  virtual ~NftLink() = default;
  // Starts the program; ends one that was started before.
  [[nodiscard]] virtual base::Status open() = 0;
  // False: there is no room now, or nobody to take it, which receive() tells.
  [[nodiscard]] virtual bool send(std::span<const std::byte> frame) = 0;
  [[nodiscard]] virtual Got receive(std::vector<std::byte>& frame) = 0;
  // Until there is something to receive, or the time is over.
  virtual void wait(std::chrono::milliseconds limit) = 0;
  // Ends the program, at once.
  virtual void close() noexcept = 0;
};

}  // namespace edgesentry::enforce
