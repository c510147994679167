// The control thread in a storm: alerts of two workers drained, new blocks decided, recorded in the
// ledger, ordered, said and (with `kept`) written to a state file by the keeper's own thread. Time
// is the control thread's alone; filling the rings and emptying the orders is the harness and not
// counted. Every alert is accounted for, or the benchmark fails.
#include <array>
#include <memory>

#include "control/rig.h"
#include "meter.h"
#include "support/scratch.h"

namespace edgesentry::perf {
namespace {

constexpr std::uint32_t kWorkers = 2, kRing = 4096;

class Storm {
 public:
  explicit Storm(std::uint32_t blocks, const std::string& state_file = {})
      : rig_(std::make_unique<test::Rig>(test::RigSettings{
            .workers = kWorkers, .alert_ring = kRing, .blocks = blocks, .state_file = state_file})),
        alert_(rig_->dropping_alert(test::attacker(0))) {}

  // As many alerts as the rings take, of sources that source_of(number) names.
  template <class SourceOf>
  void fill(std::uint64_t last, SourceOf&& source_of) {
    for (std::uint32_t worker = 0; worker < kWorkers; ++worker) {
      for (std::uint32_t i = 0; i < kRing && sent_ < last; ++i) {
        alert_.source = source_of(sent_);
        alert_.last_seen = rig_->clock.monotonic();
        if (!rig_->send(worker, alert_)) break;
        ++sent_;
      }
    }
  }
  // One round; returns its cycles. What it ordered and said is taken away.
  double round() {
    const double begin = thread_cycles();
    rig_->loop->run_round();
    const double cycles = thread_cycles() - begin;
    events_ += rig_->sink.events.size();
    rig_->sink.events.clear();
    std::array<scan::Order, 64> some;
    for (test::WorkerModel& worker : rig_->workers)
      while (const std::size_t count = worker.orders.pop_some(some)) orders_ += count;
    rig_->clock.advance(std::chrono::milliseconds(4));
    return cycles;
  }
  [[nodiscard]] std::uint64_t drained() const { return rig_->numbers.alerts_drained.value(); }
  [[nodiscard]] std::uint64_t blocks() const { return rig_->numbers.blocks_active.value(); }
  [[nodiscard]] std::uint64_t pending() const { return rig_->numbers.orders_pending.value(); }
  [[nodiscard]] std::uint64_t orders() const noexcept { return orders_; }
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
  test::Rig& rig() { return *rig_; }

 private:
  std::unique_ptr<test::Rig> rig_;
  scan::Alert alert_;
  std::uint64_t sent_ = 0, events_ = 0, orders_ = 0;
};

void finish(benchmark::State& state, double cycles, std::uint64_t items, std::uint64_t checksum) {
  const double per_item = cycles / static_cast<double>(items);
  state.SetItemsProcessed(static_cast<std::int64_t>(items));
  state.counters["cycles"] = per_item;
  state.counters["Mpps"] = tsc_mhz() / per_item;
  state.counters["checksum"] = static_cast<double>(checksum & 0xffffffff);
}

// A flood repeats itself: every source is blocked already, its evidence is merged.
void drain_alerts(benchmark::State& state) {
  const auto blocks = static_cast<std::uint32_t>(state.range(0));
  Storm storm(blocks);
  const auto any = [&](std::uint64_t number) {
    return test::attacker(static_cast<std::uint32_t>(number % blocks) * 7);
  };
  while (storm.drained() < blocks) storm.fill(blocks, any), storm.round();
  double cycles = 0;
  const std::uint64_t before = storm.drained();
  for (auto _ : state) {
    storm.fill(~std::uint64_t{0}, any);
    cycles += storm.round();
  }
  while (storm.drained() < storm.sent()) storm.round();
  EDGESENTRY_CHECK(storm.blocks() == blocks, "every source is blocked once");
  finish(state, cycles, storm.drained() - before, storm.drained() - storm.sent());
}
BENCHMARK(drain_alerts)->ArgName("blocks")->Arg(1 << 10)->Arg(1 << 18);

// One storm of new scanners, from the first to the last. kept:1 ends when all of them are in the
// file.
void record_blocks(benchmark::State& state) {
  const auto blocks = static_cast<std::uint32_t>(state.range(0));
  const bool is_kept = state.range(1) != 0;
  double cycles = 0;
  std::uint64_t items = 0, lost = 0;
  for (auto _ : state) {
    const test::Scratch folder;
    Storm storm(blocks, is_kept ? folder.path() + "/state.db" : std::string());
    const auto next = [](std::uint64_t number) {
      return test::attacker(static_cast<std::uint32_t>(number) * 7);
    };
    while (storm.drained() < blocks || storm.pending() > 0) {
      storm.fill(blocks, next);
      cycles += storm.round();
    }
    items += blocks;
    lost += blocks - storm.blocks();
    lost += std::uint64_t{blocks} * kWorkers - storm.orders();
    if (!is_kept) continue;
    storm.rig().keeper.reset();  // writes what it was given, and ends
    const store::Opened opened = store::BlockStore::open(folder.path() + "/state.db");
    lost += blocks - opened.records.size();
  }
  EDGESENTRY_CHECK(lost == 0, "no block is lost on its way to ledger, workers and file");
  finish(state, cycles, items, lost);
}
BENCHMARK(record_blocks)
    ->ArgNames({"blocks", "kept"})
    ->Args({1 << 10, 0})
    ->Args({1'000'000, 0})
    ->Args({1 << 10, 1})
    ->Args({1'000'000, 1})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace edgesentry::perf
