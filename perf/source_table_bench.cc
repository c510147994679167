// Tier 1 alone, by way of inspect(): a known source (hit), a new one where there is room (miss),
// and a new one where somebody must go (eviction), at working sets of the first-level cache, the
// last one, and memory. Setting the sources of the next burst costs a few cycles of each figure.
#include <memory>

#include "engine.h"
#include "meter.h"
#include "probe_pool.h"

namespace edgesentry::perf {
namespace {

constexpr std::uint64_t kBurstsPerRound = 512;

void hit(benchmark::State& state) {
  const auto sources = static_cast<std::uint32_t>(state.range(0));
  Engine engine(sources * 4, 16, false);
  ProbePool pool(sources);
  for (int round = 0; round < 2; ++round)
    for (std::uint32_t seen = 0; seen < sources; seen += kProbeBurst)
      engine.inspect(pool.next_new());
  const std::uint64_t added = engine.tally().sources_added.value();
  std::uint64_t items = 0;
  Meter meter(state);
  for (auto _ : state) {
    for (std::uint64_t i = 0; i < kBurstsPerRound; ++i) engine.inspect(pool.next_random());
    items += kBurstsPerRound * kProbeBurst;
  }
  meter.finish(items, engine.tally().sources_added.value() - added);
  state.SetLabel(engine.memory().backing());
}
BENCHMARK(hit)->ArgName("sources")->Arg(1 << 9)->Arg(1 << 18)->Arg(1 << 24);

// One pass of new sources over an empty table eight times as large, then a new table.
void miss(benchmark::State& state) {
  const auto sources = static_cast<std::uint32_t>(state.range(0));
  std::uint64_t items = 0, added = 0;
  Meter meter(state);
  double setup = 0;
  for (auto _ : state) {
    const double before = thread_cycles();
    state.PauseTiming();
    const auto engine = std::make_unique<Engine>(sources * 8, 16, false);
    ProbePool pool(sources);
    state.ResumeTiming();
    setup += thread_cycles() - before;
    for (std::uint32_t seen = 0; seen < sources; seen += kProbeBurst)
      engine->inspect(pool.next_new());
    items += sources;
    added += engine->tally().sources_added.value();
  }
  meter.finish(items, added, setup / static_cast<double>(items));
}
BENCHMARK(miss)->ArgName("sources")->Arg(1 << 9)->Arg(1 << 18)->Arg(1 << 22);

// A table of `sources` entries, and sixteen times as many sources: nearly every packet replaces.
void evict(benchmark::State& state) {
  const auto entries = static_cast<std::uint32_t>(state.range(0));
  Engine engine(entries, 16, false);
  ProbePool pool(entries * 16);
  for (std::uint64_t seen = 0; seen < 4 * std::uint64_t{entries}; seen += kProbeBurst)
    engine.inspect(pool.next_new());
  const std::uint64_t before = engine.tally().evictions.value();
  std::uint64_t items = 0;
  Meter meter(state);
  for (auto _ : state) {
    for (std::uint64_t i = 0; i < kBurstsPerRound; ++i) engine.inspect(pool.next_new());
    items += kBurstsPerRound * kProbeBurst;
  }
  const std::uint64_t evicted = engine.tally().evictions.value() - before;
  meter.finish(items, evicted);
  state.counters["evicted"] = static_cast<double>(evicted) / static_cast<double>(items);
  state.SetLabel(engine.memory().backing());
}
BENCHMARK(evict)->ArgName("entries")->Arg(1 << 10)->Arg(1 << 18)->Arg(1 << 24);

}  // namespace
}  // namespace edgesentry::perf
