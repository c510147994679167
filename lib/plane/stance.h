// What the failure policy asks of the workers at this moment, in one word: it reaches them when
// nothing can be published any more, because the control thread itself stands still.
//
// Writer: main. Readers: the workers, one relaxed load for each round of bursts; nothing is ordered
// by it. Faults are for trying it out and are looked at between bursts only.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/units.h"

namespace edgesentry::plane {

namespace stance {
inline constexpr std::uint32_t kHold = 1u << 0;         // no new blocks by workers themselves
inline constexpr std::uint32_t kOpen = 1u << 1;         // every packet passes
inline constexpr std::uint32_t kClosed = 1u << 2;       // none does
inline constexpr std::uint32_t kPassUnowned = 1u << 3;  // what its owner does not take is forwarded
inline constexpr std::uint32_t kNoReplies = 1u << 4;    // buffers are scarce
}  // namespace stance

class Stance {
 public:
  void take(std::uint32_t bits) noexcept { bits_.store(bits, std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t bits() const noexcept {
    return bits_.load(std::memory_order_relaxed);
  }

  // Worker `worker`, below 64, stands still until told otherwise.
  void stall(std::uint16_t worker, bool is_on) noexcept {
    const std::uint64_t bit = std::uint64_t{1} << (worker % 64);
    if (is_on)
      stalled_.fetch_or(bit, std::memory_order_relaxed);
    else
      stalled_.fetch_and(~bit, std::memory_order_relaxed);
  }
  [[nodiscard]] bool is_stalled(base::WorkerId worker) const noexcept {
    return (stalled_.load(std::memory_order_relaxed) >> (worker.value % 64) & 1) != 0;
  }

 private:
  alignas(base::kCacheLine) std::atomic<std::uint32_t> bits_{0};
  std::atomic<std::uint64_t> stalled_{0};
};

}  // namespace edgesentry::plane
