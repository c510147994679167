// One worker's way from the bytes of a burst to its verdicts, on frames of its own: parse, look up,
// inspect. The table is as large as the number of sources (load 1.0) or twice that (load 0.5), and
// never smaller than the configured default of 2^20.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "base/ip.h"
#include "engine.h"
#include "frame_pool.h"
#include "huge_memory.h"
#include "meter.h"
#include "scan/inspect.h"
#include "wire/parse.h"

namespace edgesentry::perf {

inline constexpr std::uint64_t kBurstsPerRound = 512;

struct Shape {
  Mix mix = Mix::syn64;
  std::uint32_t load_inverse = 1;  // table entries per source
  bool blocked = false;            // every source is blocked, policy enforces
};

inline std::uint32_t table_size(const Shape& shape, std::uint32_t sources) {
  constexpr std::uint32_t kDefault = 1u << 20;
  return std::max(sources * shape.load_inverse, kDefault);
}

class Pipeline {
 public:
  Pipeline(const Shape& shape, std::uint32_t sources, std::size_t burst)
      : burst_(burst),
        pool_(shape.mix, sources),
        engine_(table_size(shape, sources), shape.blocked ? sources : 1u << 16, shape.blocked) {
    if (shape.blocked)
      for (std::uint32_t i = 0; i < sources; ++i)
        engine_.apply({.source = base::Ip::v4(0x14000000 + i)});
    // Every source has come once, and then as many at random, before anything is measured.
    for (std::uint64_t seen = 0; seen < sources + kPoolFrames; seen += burst_) one_burst();
    pool_.end_first_rounds();
    for (std::uint64_t seen = 0; seen < sources; seen += burst_) one_burst();
  }

  void one_burst() noexcept {
    const std::span<const Frame> frames = pool_.next(burst_);
    if (pool_.needs_patching()) pool_.patch(burst_);
    for (std::size_t i = 0; i < frames.size(); ++i) {
      outcomes_ += static_cast<std::uint64_t>(
          wire::parse({frames[i].data, frames[i].size}, wire::LinkType::ethernet, probes_[i]));
      if (i % scan::kExpectStep == scan::kExpectStep - 1)
        engine_.expect({&probes_[i + 1 - scan::kExpectStep], scan::kExpectStep});
    }
    drops_ += engine_.inspect(std::span(probes_).first(burst_));
  }

  // Cycles per packet of the patching alone.
  double harness_cost() noexcept {
    if (!pool_.needs_patching()) return 0;
    const double begin = thread_cycles();
    for (std::uint64_t i = 0; i < kBurstsPerRound * 8; ++i) {
      benchmark::DoNotOptimize(pool_.next(burst_));
      pool_.patch(burst_);
      benchmark::ClobberMemory();
    }
    return (thread_cycles() - begin) / static_cast<double>(kBurstsPerRound * 8 * burst_);
  }

  [[nodiscard]] std::uint64_t checksum() const noexcept { return outcomes_ * 3 + drops_; }
  [[nodiscard]] std::uint64_t evictions() const noexcept {
    return engine_.tally().evictions.value();
  }
  [[nodiscard]] std::uint64_t drops() const noexcept { return drops_; }
  [[nodiscard]] const HugeMemory& memory() const noexcept { return engine_.memory(); }

 private:
  std::size_t burst_;
  FramePool pool_;
  Engine engine_;
  std::array<wire::Probe, scan::kBurstMax> probes_;
  std::uint64_t outcomes_ = 0, drops_ = 0;
};

}  // namespace edgesentry::perf
