// The control thread's book of blocks, at one million of them.
#include <array>

#include "meter.h"
#include "policy/ledger.h"
#include "support/alerts.h"

namespace edgesentry::perf {
namespace {

policy::LedgerSettings settings_for(std::uint32_t blocks) {
  return {.blocks_max = blocks, .history_max = blocks};
}

// One after the other: new blocks until the book is full, then all of them expire.
void block_and_expire(benchmark::State& state) {
  const auto blocks = static_cast<std::uint32_t>(state.range(0));
  std::uint64_t items = 0, expired = 0;
  std::array<policy::Expired, 256> out;
  policy::Ledger ledger(settings_for(blocks));
  base::Micros now = base::seconds(1000);
  Meter meter(state);
  for (auto _ : state) {
    for (std::uint32_t i = 0; i < blocks; ++i) {
      const scan::Alert alert = test::alert_of(test::attacker(i * 7), now);
      ledger.block({.source = alert.source, .alert = &alert}, now);
    }
    items += blocks;
    now = now + base::seconds(24 * 3600);
    do {
      expired += ledger.expire(now, out);
    } while (ledger.is_behind());
  }
  meter.finish(items, expired);
}
BENCHMARK(block_and_expire)->ArgName("blocks")->Arg(1 << 10)->Arg(1 << 20);

// A flood repeats itself: evidence for sources that are blocked already.
void merge_evidence(benchmark::State& state) {
  const auto blocks = static_cast<std::uint32_t>(state.range(0));
  policy::Ledger ledger(settings_for(blocks));
  const base::Micros now = base::seconds(1000);
  scan::Alert alert = test::alert_of(test::attacker(0), now);
  for (std::uint32_t i = 0; i < blocks; ++i) {
    alert.source = test::attacker(i * 7);
    ledger.block({.source = alert.source, .alert = &alert}, now);
  }
  constexpr std::uint32_t kRound = 4096;
  std::uint64_t items = 0, merged = 0;
  std::uint32_t next = 0;
  Meter meter(state);
  for (auto _ : state) {
    for (std::uint32_t i = 0; i < kRound; ++i) {
      alert.source = test::attacker((next++ * 0x9e3779b1u & (blocks - 1)) * 7);
      const auto result = ledger.block({.source = alert.source, .alert = &alert}, now);
      merged += result.outcome == policy::BlockOutcome::merged ? 1 : 0;
    }
    items += kRound;
  }
  meter.finish(items, merged - items);
}
BENCHMARK(merge_evidence)->ArgName("blocks")->Arg(1 << 10)->Arg(1 << 20);

}  // namespace
}  // namespace edgesentry::perf
