// From a burst of frames to its verdicts, all that a worker does per packet but driver and
// forwarding: parse, look up, inspect. The table is as large as the number of sources (load 1.0) or
// twice that (load 0.5), and never smaller than the configured default of 2^20. `of_limit` compares
// with LineLimit over as much memory, measured before and after in the same process. The cost of
// writing new sources into the frames is measured apart in the same way and taken off (`harness`).
#include <algorithm>
#include <array>
#include <memory>

#include "base/ip.h"
#include "engine.h"
#include "frame_pool.h"
#include "huge_memory.h"
#include "line_limit.h"
#include "meter.h"
#include "scan/inspect.h"
#include "wire/parse.h"

namespace edgesentry::perf {
namespace {

constexpr std::uint64_t kBurstsPerRound = 512;

struct Shape {
  Mix mix = Mix::syn64;
  std::uint32_t load_inverse = 1;  // table entries per source
  bool blocked = false;            // every source is blocked, policy enforces
};

std::uint32_t table_size(const Shape& shape, std::uint32_t sources) {
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

// Cycles per line of random access to as much memory as tier 1 takes.
double limit_cycles(HugeMemory& memory) {
  LineLimit lines(memory.bytes());
  const std::uint64_t all = memory.bytes().size() / base::kCacheLine / kInFlight;
  return lines.measure(std::clamp<std::uint64_t>(all, 4096, 1u << 17));
}

void pipeline(benchmark::State& state, Shape shape) {
  const auto sources = static_cast<std::uint32_t>(state.range(0));
  const auto burst = static_cast<std::size_t>(state.range(1));
  // The lines of state that these sources need: a table that is emptier than that is not touched
  // everywhere.
  HugeMemory yardstick(std::size_t{16} * sources * shape.load_inverse);
  limit_cycles(yardstick);  // warm
  const auto pipeline = std::make_unique<Pipeline>(shape, sources, burst);
  const double harness = pipeline->harness_cost();
  const double limit_before = limit_cycles(yardstick);
  const std::uint64_t evicted = pipeline->evictions(), dropped = pipeline->drops();
  std::uint64_t items = 0;
  Meter meter(state);
  for (auto _ : state) {
    for (std::uint64_t i = 0; i < kBurstsPerRound; ++i) pipeline->one_burst();
    items += kBurstsPerRound * burst;
  }
  meter.finish(items, pipeline->checksum(), harness);
  const double limit = (limit_before + limit_cycles(yardstick)) / 2;
  const auto per_item = [&](std::uint64_t count) {
    return static_cast<double>(count) / static_cast<double>(items);
  };
  state.counters["limit_cycles"] = limit;
  state.counters["of_limit"] = limit / state.counters["cycles"];
  state.counters["evicted"] = per_item(pipeline->evictions() - evicted);
  state.counters["dropped"] = per_item(pipeline->drops() - dropped);
  state.SetLabel(pipeline->memory().backing());
}

constexpr std::int64_t k1k = 1 << 10, k64k = 1 << 16, k1m = 1 << 20, k16m = 1 << 24;

BENCHMARK_CAPTURE(pipeline, syn64, Shape{})
    ->ArgNames({"sources", "burst"})
    ->ArgsProduct({{k1k, k64k, k1m, k16m}, {32, 64}});
BENCHMARK_CAPTURE(pipeline, syn64_half_full, Shape{.load_inverse = 2})
    ->ArgNames({"sources", "burst"})
    ->ArgsProduct({{k1k, k64k, k1m, k16m}, {64}});
BENCHMARK_CAPTURE(pipeline, mixed, Shape{.mix = Mix::mixed, .load_inverse = 2})
    ->ArgNames({"sources", "burst"})
    ->ArgsProduct({{k1k, k64k, k1m, k16m}, {64}});
BENCHMARK_CAPTURE(pipeline, blocked, Shape{.load_inverse = 2, .blocked = true})
    ->ArgNames({"sources", "burst"})
    ->ArgsProduct({{k1k, k1m}, {64}});

}  // namespace
}  // namespace edgesentry::perf
