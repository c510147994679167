// A start with many blocks in the file: read, put back into the ledger, given to a worker.
#include <memory>
#include <vector>

#include "control/rig.h"
#include "engine.h"
#include "meter.h"
#include "store/block_store.h"
#include "support/scratch.h"

namespace edgesentry::perf {
namespace {

// One file for all repetitions; it is written once.
const std::string& file_of(std::uint32_t blocks) {
  static const test::Scratch folder;
  static std::string path;
  const std::string wanted = folder.path() + "/" + std::to_string(blocks) + ".db";
  if (path == wanted) return path;
  path = wanted;
  const std::int64_t now = std::chrono::duration_cast<std::chrono::microseconds>(
                               test::ManualClock().wall().time_since_epoch())
                               .count();
  std::vector<store::Record> records(blocks);
  for (std::uint32_t i = 0; i < blocks; ++i) {
    records[i].source = test::attacker(i * 7);
    records[i].is_offence = true;
    records[i].offences = 1;
    records[i].since = records[i].quiet_since = now - i;
    records[i].until = now + 600'000'000 + i;
  }
  store::Opened opened = store::BlockStore::open(path);
  EDGESENTRY_CHECK(
      opened.store != nullptr && opened.store->write(records).ok() && opened.store->settle().ok(),
      "the file of the benchmark can be written");
  return path;
}

void restore(benchmark::State& state) {
  const auto blocks = static_cast<std::uint32_t>(state.range(0));
  const std::string& path = file_of(blocks);
  std::uint64_t items = 0, restored = 0;
  double setup = 0;
  Meter meter(state);
  for (auto _ : state) {
    const double before = thread_cycles();
    state.PauseTiming();
    auto engine = std::make_unique<Engine>(1u << 16, blocks, true);
    state.ResumeTiming();
    setup += thread_cycles() - before;
    auto rig = std::make_unique<test::Rig>(
        test::RigSettings{.workers = 1, .blocks = blocks, .state_file = path});
    for (const base::Ip& source : rig->restored.blocked)
      engine->apply({source, scan::OrderKind::block, {}});
    items += blocks;
    restored += rig->restored.blocked.size();
    const double after = thread_cycles();
    state.PauseTiming();
    rig.reset();
    engine.reset();
    state.ResumeTiming();
    setup += thread_cycles() - after;
  }
  EDGESENTRY_CHECK(restored == items, "every block is restored");
  meter.finish(items, restored, setup / static_cast<double>(items));
  state.counters["seconds"] =
      state.counters["cycles"] * static_cast<double>(blocks) / (tsc_mhz() * 1e6);
}
BENCHMARK(restore)->ArgName("blocks")->Arg(1 << 10)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace edgesentry::perf
