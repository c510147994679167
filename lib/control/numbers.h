// The control thread's numbers for metrics and `status`. The control thread writes, anybody reads;
// durations are microseconds. blocks_active = added + restored - expired -
// lifted, always.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/counter.h"
#include "base/units.h"
#include "policy/decide.h"

namespace edgesentry::control {

// Upper bounds, inclusive, as Prometheus' `le`; the last bucket has none.
inline constexpr std::array<std::uint64_t, 12> kMicrosBounds = {
    10, 30, 100, 300, 1'000, 3'000, 10'000, 30'000, 100'000, 300'000, 1'000'000, 10'000'000};

struct Histogram {
  std::array<base::Counter, kMicrosBounds.size() + 1> buckets;  // not cumulative
  base::Counter sum;                                            // microseconds

  void observe(base::Micros duration) noexcept {  // control thread only
    std::size_t bucket = 0;
    while (bucket < kMicrosBounds.size() && duration.value > kMicrosBounds[bucket]) ++bucket;
    buckets[bucket].add(1);
    sum.add(duration.value);
  }
};

// Of a packet filter of the kernel's, where it keeps sources out.
struct KernelNumbers {
  base::Counter is_used, is_in_force, sources, pending;  // gauges
  base::Counter failures, restarts, repairs, packets;
  base::Counter waiting;  // gauge: blocks that it has no room for
};

// Of the NICs' drop rules.
struct RuleNumbers {
  base::Counter is_used, is_in_force, sources, pending;  // gauges
  base::Counter wanted, capacity, ports_refused;         // gauges
  base::Counter waiting;                                 // gauge: as of the kernel's filter
  base::Counter rules, failures, repairs, packets;
};

struct alignas(base::kCacheLine) Numbers {
  base::Counter alerts_drained;
  base::Counter alerts_stale;  // older than the end of the source's last block
  std::array<base::Counter, policy::kDecisionActionNames.size()> decisions;
  std::array<base::Counter, scan::kSeverityNames.size()> severities;  // of alerts answered
  base::Counter blocks_added, blocks_expired, blocks_lifted;
  base::Counter blocks_restored;  // at the start, from the file of an earlier run
  base::Counter blocks_vetoed;    // a worker dropped the source, control said no
  base::Counter blocks_refused;   // the ledger was full
  base::Counter blocks_shed;      // of those lifted: they made room for new ones
  base::Counter clock_steps;      // of the wall clock, while running
  base::Counter blocks_active, blocks_shadow, sources_remembered, sources_noted;  // gauges
  base::Counter exemptions;                                                       // gauge
  base::Counter orders_sent, orders_pending;  // of all workers; pending is a gauge
  base::Counter order_overflows;              // backlogs that had to be replayed
  base::Counter events_offered, events_refused, events_coalesced;
  base::Counter commands, commands_failed;
  base::Counter rounds;
  base::Counter heartbeat;      // gauge: when the last round began
  Histogram round_duration;     // of the work of a round, sleep left out
  Histogram detection_latency;  // from the deciding packet to the recorded decision
  base::Counter reloads, reloads_failed;
  base::Counter reload_succeeded_at;  // gauge: Unix seconds, 0 before the first reload
  KernelNumbers kernel;               // nftables
  KernelNumbers xdp;
  RuleNumbers rules;
  base::Counter is_config_good;     // gauge: 0 after a reload that failed
  base::Counter config_generation;  // gauge
  base::Counter is_bypassed;        // gauge: 1 while every packet passes
};

}  // namespace edgesentry::control
