// The ports of protected hosts at which dialogues are followed, so that a packet at any other port
// is told apart by one read.
//
// Writer: the worker that follows the dialogues. Readers: any worker, to whom it is a hint: a
// dialogue may end or begin while they look.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "base/check.h"

namespace edgesentry::payload {

class OpenPorts {
 public:
  // Relaxed throughout: the numbers order nothing else, and a reader may be late.
  [[nodiscard]] bool contains(std::uint16_t port) const noexcept {
    return dialogues_[port].load(std::memory_order_relaxed) > 0;
  }
  void open(std::uint16_t port) noexcept { set(port, count(port) + 1); }
  void close(std::uint16_t port) noexcept {
    EDGESENTRY_DCHECK(count(port) > 0, "only what was opened is closed");
    set(port, count(port) - 1);
  }

 private:
  [[nodiscard]] int count(std::uint16_t port) const noexcept {
    return dialogues_[port].load(std::memory_order_relaxed);
  }
  void set(std::uint16_t port, int count) noexcept {
    dialogues_[port].store(static_cast<std::uint16_t>(count), std::memory_order_relaxed);
  }

  std::array<std::atomic<std::uint16_t>, 65536> dialogues_{};
};

}  // namespace edgesentry::payload
