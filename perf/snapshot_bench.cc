// What adopting a new policy costs a worker: nothing per packet, this much per housekeeping.
#include <memory>

#include "base/snapshot.h"
#include "meter.h"
#include "scan/detection_policy.h"

namespace edgesentry::perf {
namespace {

using Policies = base::Published<scan::DetectionPolicy>;

void read_and_report_quiescence(benchmark::State& state) {
  Policies policies(1, std::make_unique<const scan::DetectionPolicy>());
  policies.join(0);
  constexpr std::uint64_t kRounds = 4096;
  std::uint64_t items = 0, generations = 0;
  Meter meter(state);
  for (auto _ : state) {
    for (std::uint64_t i = 0; i < kRounds; ++i) {
      generations += policies.read().generation + 1;
      policies.quiescent(0);
    }
    items += kRounds;
  }
  meter.finish(items, generations % kRounds);
  policies.leave(0);
}
BENCHMARK(read_and_report_quiescence);

void publish(benchmark::State& state) {
  Policies policies(1, std::make_unique<const scan::DetectionPolicy>());
  policies.join(0);
  std::uint64_t items = 0;
  Meter meter(state);
  for (auto _ : state) {
    policies.publish(std::make_unique<const scan::DetectionPolicy>());
    policies.quiescent(0);
    ++items;
  }
  meter.finish(items, policies.reclaim());
  policies.leave(0);
}
BENCHMARK(publish);

}  // namespace
}  // namespace edgesentry::perf
