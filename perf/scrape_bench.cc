// One scrape of /metrics, without the network: collecting and printing.
#include <prometheus/text_serializer.h>

#include <memory>
#include <vector>

#include "meter.h"
#include "serve/metrics.h"

namespace edgesentry::perf {
namespace {

void scrape(benchmark::State& state) {
  std::vector<std::unique_ptr<scan::Tally>> tallies;
  control::Numbers numbers;
  serve::MetricsLinks links;
  links.build = {"0", "0", "0"};
  links.control = &numbers;
  for (std::int64_t i = 0; i < state.range(0); ++i)
    links.workers.push_back(tallies.emplace_back(std::make_unique<scan::Tally>()).get());
  const serve::Metrics metrics(std::move(links));
  const prometheus::TextSerializer serializer;
  std::uint64_t items = 0, bytes = 0;
  Meter meter(state);
  for (auto _ : state) {
    bytes += serializer.Serialize(metrics.Collect()).size();
    ++items;
  }
  meter.finish(items, bytes / items);
  state.counters["bytes"] = static_cast<double>(bytes) / static_cast<double>(items);
}
BENCHMARK(scrape)->ArgName("workers")->Arg(1)->Arg(8)->Arg(64)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace edgesentry::perf
