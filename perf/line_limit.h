// The machine's own limit, to which the tables are compared: random read-modify-write of one cache
// line over a given memory, 32 lines in flight. Nothing that keeps one line of state per source in
// that memory can be faster.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/units.h"
#include "meter.h"

namespace edgesentry::perf {

inline constexpr std::size_t kInFlight = 32;

class LineLimit {
 public:
  // `memory` is a power of two of cache lines.
  explicit LineLimit(std::span<std::byte> memory) noexcept
      : lines_(reinterpret_cast<Line*>(memory.data())),
        mask_(memory.size() / base::kCacheLine - 1) {}

  // Touches kInFlight random lines.
  void batch() noexcept {
    Line* at[kInFlight];
    for (auto& line : at) {
      // Knuth's MMIX generator; the upper bits are the random ones.
      random_ = random_ * 6364136223846793005u + 1442695040888963407u;
      line = &lines_[random_ >> 24 & mask_];
      __builtin_prefetch(line, 1);
    }
    for (Line* line : at) checksum_ += ++line->count;
  }
  [[nodiscard]] std::uint64_t checksum() const noexcept { return checksum_; }

  // Cycles per line, measured over `batches`.
  double measure(std::uint64_t batches) noexcept {
    const double begin = thread_cycles();
    for (std::uint64_t i = 0; i < batches; ++i) batch();
    return (thread_cycles() - begin) / static_cast<double>(batches * kInFlight);
  }

 private:
  struct alignas(base::kCacheLine) Line {
    std::uint64_t count;
  };
  Line* lines_;
  std::uint64_t mask_;
  std::uint64_t random_ = 1;
  std::uint64_t checksum_ = 0;
};

}  // namespace edgesentry::perf
