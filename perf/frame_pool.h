// Packets for a benchmark: real frames in a pool as large as a receive queue (1024 descriptors), of
// which a burst is taken after the other. More sources than frames: the source address of the next
// burst is written into its frames while the present one is worked on, as a NIC would have done it,
// so that the stores have left the core before they are read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "base/units.h"

namespace edgesentry::perf {

enum class Mix { syn64, mixed };

inline constexpr std::size_t kPoolFrames = 1024;
inline constexpr std::size_t kSlot = 128;  // a slot starts on a cache line

struct Frame {
  const std::uint8_t* data;
  std::uint32_t size;
  std::uint32_t address_at;  // the last four bytes of the source address
};

// Numbers below `sources`, a power of two.
class SourceOrder {
 public:
  explicit SourceOrder(std::uint32_t sources) noexcept : mask_(sources - 1) {}
  // Any of them: traffic.
  std::uint32_t random() noexcept {
    random_ = random_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(random_ >> 36) & mask_;
  }
  // Each once before any comes again (a counter, multiplied: a bijection), in an order that no
  // prefetcher follows. As traffic it would be the worst case of any table that replaces the
  // oldest.
  std::uint32_t each_once() noexcept { return of(counter_++); }
  [[nodiscard]] std::uint32_t of(std::uint32_t counter) const noexcept {
    std::uint32_t x = (counter * 0x9e3779b1u) & mask_;
    x ^= x >> 7;
    return (x * 0x85ebca6bu) & mask_;
  }

 private:
  std::uint32_t mask_;
  std::uint32_t counter_ = 0;
  std::uint64_t random_ = 1;
};

class FramePool {
 public:
  FramePool(Mix mix, std::uint32_t sources);

  // The first rounds visit each source once, what follows is random.
  void end_first_rounds() noexcept { is_random_ = true; }
  [[nodiscard]] bool needs_patching() const noexcept { return sources_ > kPoolFrames; }
  // The next `count` frames; their sources have been written by the patch() before.
  [[nodiscard]] std::span<const Frame> next(std::size_t count) noexcept {
    const std::span<const Frame> burst(frames_.data() + at_, count);
    at_ = (at_ + count) % kPoolFrames;
    return burst;
  }
  // Writes new sources into the frames that next(count) will give. A source always comes in the
  // same frame of the pool, so that it speaks as one host does and not in all kinds of the mix.
  void patch(std::size_t count) noexcept {
    if (at_ == 0) ++round_;
    for (std::size_t i = at_; i < at_ + count; ++i) {
      const std::uint32_t number = is_random_ ? order_.random() : order_.of(round_);
      const auto source = static_cast<std::uint32_t>(number * kPoolFrames + i);
      const std::uint32_t address = __builtin_bswap32(kFirst + source);
      std::memcpy(storage_.data() + base_ + i * kSlot + frames_[i].address_at, &address,
                  sizeof(address));
    }
  }

 private:
  static constexpr std::uint32_t kFirst = 0x14000000;  // 20.0.0.0 and up

  std::uint32_t sources_;
  SourceOrder order_;
  std::vector<std::uint8_t> storage_;
  std::size_t base_ = 0;
  std::vector<Frame> frames_;
  std::size_t at_ = 0;
  std::uint32_t round_ = 0;
  bool is_random_ = false;
};

}  // namespace edgesentry::perf
