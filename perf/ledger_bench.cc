// The control thread's book of blocks, at one million of them.
#include <array>

#include "meter.h"
#include "policy/crowd.h"
#include "policy/decoys.h"
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

// Alerts that wait until it is known whether other sources sent the same probes: sources come and
// go faster than members can be remembered, half of the places hold one that waits. `shared`: how
// many sources each probe is shared by, 1 for scanners, more for one that forges sources.
void hold_and_settle(benchmark::State& state) {
  constexpr std::uint32_t kSources = 1u << 16, kRound = policy::Decoys::kHeldMax;
  const auto shared = static_cast<std::uint32_t>(state.range(0));
  policy::Decoys decoys;
  base::Micros now = base::seconds(1000);
  scan::Alert alert = test::alert_of(test::attacker(0), now);
  std::uint64_t items = 0, settled = 0;
  std::uint32_t next = 0;
  Meter meter(state);
  for (auto _ : state) {
    for (std::uint32_t i = 0; i < kRound; ++i, ++next) {
      alert.source = test::attacker(next * 0x9e3779b1u % kSources);
      for (std::uint32_t j = 0; j < alert.probes_by_hash.size(); ++j)
        alert.probes_by_hash[j] = {(next / shared * 16 + j) * 2654435761u | 1,
                                   static_cast<std::uint32_t>(now.value / 1000)};
      settled += decoys.take(alert, alert.source, now) == policy::Decoys::Advice::decide_now;
    }
    now = now + policy::Decoys::kGrace;
    while (decoys.next(now)) ++settled;
    items += kRound;
  }
  meter.finish(items, items - settled);
}
BENCHMARK(hold_and_settle)->ArgName("shared")->Arg(1)->Arg(16)->Arg(1 << 12);

// The clues of a distributed scan: `kSources` take turns at the ports of one target.
void gather_clues(benchmark::State& state) {
  constexpr std::uint32_t kRound = 4096;
  const auto sources = static_cast<std::uint32_t>(state.range(0));
  policy::Crowds crowds;
  base::Micros now = base::seconds(1000);
  scan::Alert clue = test::alert_of(test::attacker(0), now);
  clue.kind = scan::AlertKind::clue;
  std::uint64_t items = 0, findings = 0;
  std::uint32_t next = 0;
  Meter meter(state);
  for (auto _ : state) {
    for (std::uint32_t i = 0; i < kRound; ++i, ++next) {
      now = now + base::milliseconds(20);
      clue.source = test::attacker(next * 0x9e3779b1u % sources);
      clue.last_port = static_cast<std::uint16_t>(next);
      findings += crowds.take(clue, now).size();
    }
    items += kRound;
  }
  meter.finish(items, findings);
}
BENCHMARK(gather_clues)->ArgName("sources")->Arg(1 << 8)->Arg(1 << 16);

// The same from sources that are forged, faster than any scan: most of it is put aside.
void gather_a_flood(benchmark::State& state) {
  constexpr std::uint32_t kRound = 4096;
  policy::Crowds crowds;
  base::Micros now = base::seconds(1000);
  scan::Alert clue = test::alert_of(test::attacker(0), now);
  clue.kind = scan::AlertKind::clue;
  std::uint64_t items = 0, findings = 0;
  std::uint32_t next = 0;
  Meter meter(state);
  for (auto _ : state) {
    for (std::uint32_t i = 0; i < kRound; ++i, ++next) {
      now = now + base::Micros{1};
      clue.source = test::attacker(next);
      clue.last_port = static_cast<std::uint16_t>(next * 7);
      clue.last_target = test::attacker(next * 11);
      findings += crowds.take(clue, now).size();
    }
    items += kRound;
  }
  meter.finish(items, findings);
}
BENCHMARK(gather_a_flood);

}  // namespace
}  // namespace edgesentry::perf
