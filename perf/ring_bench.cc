#include <array>
#include <memory>

#include "base/ring.h"
#include "meter.h"
#include "scan/alert.h"
#include "scan/order.h"

namespace edgesentry::perf {
namespace {

// In one thread, so the figure is the work of both halves without the traffic between cores.
template <class T>
void ring(benchmark::State& state) {
  const auto burst = static_cast<std::size_t>(state.range(0));
  auto [writer, reader] = base::make_ring<T>(4096);
  const auto sent = std::make_unique<std::array<T, 64>>();
  const auto taken = std::make_unique<std::array<T, 64>>();
  std::uint64_t items = 0;
  constexpr std::uint64_t kRounds = 1024;
  Meter meter(state);
  for (auto _ : state) {
    for (std::uint64_t i = 0; i < kRounds; ++i) {
      const std::size_t in = writer.push_some(std::span(*sent).first(burst));
      items += reader.pop_some(std::span(*taken).first(in));
      benchmark::DoNotOptimize(taken->data());
    }
  }
  meter.finish(items, items % kRounds);
}
BENCHMARK(ring<scan::Order>)->Name("ring/order")->ArgName("burst")->Arg(1)->Arg(32)->Arg(64);
BENCHMARK(ring<scan::Alert>)->Name("ring/alert")->ArgName("burst")->Arg(1)->Arg(32)->Arg(64);

}  // namespace
}  // namespace edgesentry::perf
