#include "huge_memory.h"
#include "line_limit.h"
#include "meter.h"

namespace edgesentry::perf {
namespace {

void limit(benchmark::State& state) {
  HugeMemory memory(static_cast<std::size_t>(state.range(0)) << 20);
  LineLimit lines(memory.bytes());
  lines.measure(memory.bytes().size() / base::kCacheLine / kInFlight);
  constexpr std::uint64_t kBatches = 1024;
  std::uint64_t items = 0;
  Meter meter(state);
  for (auto _ : state) {
    lines.measure(kBatches);
    items += kBatches * kInFlight;
  }
  meter.finish(items, lines.checksum());
  state.SetLabel(memory.backing());
}
BENCHMARK(limit)->ArgName("MiB")->Arg(2)->Arg(16)->Arg(256)->Arg(512)->Arg(1024);

}  // namespace
}  // namespace edgesentry::perf
