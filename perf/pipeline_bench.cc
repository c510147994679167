// From a burst of frames to its verdicts, all that a worker does per packet but driver and
// forwarding (pipeline.h). `of_limit` compares with LineLimit over as much memory, measured before
// and after in the same process. The cost of writing new sources into the frames is measured apart
// in the same way and taken off (`harness`).
#include <algorithm>
#include <memory>

#include "huge_memory.h"
#include "line_limit.h"
#include "meter.h"
#include "pipeline.h"

namespace edgesentry::perf {
namespace {

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

constexpr std::int64_t k1k = 1 << 10, k64k = 1 << 16, k1m = 1 << 20, k16m = 1 << 24, k64m = 1 << 26;

BENCHMARK_CAPTURE(pipeline, syn64, Shape{})
    ->ArgNames({"sources", "burst"})
    ->ArgsProduct({{k1k, k64k, k1m, k16m}, {32, 64}})
    ->Args({k64m, 64});
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
