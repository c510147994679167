// Two workers beside one: each its own table, frames and counters, as in the appliance. By turns
// one thread runs alone and two run at once; what a thread does is measured against its own CPU
// time, so that only what they take from each other (caches, memory, shared lines) makes the ratio
// smaller than two.
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "pipeline.h"

namespace edgesentry::perf {
namespace {

constexpr std::uint64_t kRounds = 64;
constexpr std::size_t kBurst = 64;

// Packets per cycle of `workers` pipelines that run at once.
double run(std::vector<std::unique_ptr<Pipeline>>& pipelines, std::size_t workers) {
  std::atomic<std::size_t> ready{0};
  std::vector<double> speeds(workers);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < workers; ++i)
    threads.emplace_back([&, i] {
      ready.fetch_add(1);
      while (ready.load() < workers) std::this_thread::yield();
      const double begin = thread_cycles();
      for (std::uint64_t n = 0; n < kRounds * kBurstsPerRound; ++n) pipelines[i]->one_burst();
      speeds[i] =
          static_cast<double>(kRounds * kBurstsPerRound * kBurst) / (thread_cycles() - begin);
    });
  double sum = 0;
  for (std::size_t i = 0; i < workers; ++i) {
    threads[i].join();
    sum += speeds[i];
  }
  return sum;
}

void two_over_one(benchmark::State& state) {
  const auto sources = static_cast<std::uint32_t>(state.range(0));
  std::vector<std::unique_ptr<Pipeline>> pipelines;
  for (int i = 0; i < 2; ++i)
    pipelines.push_back(std::make_unique<Pipeline>(Shape{.load_inverse = 2}, sources, kBurst));
  double one = 0, two = 0;
  for (auto _ : state) {
    one += run(pipelines, 1);
    two += run(pipelines, 2);
  }
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["cycles"] = rounds / one;
  state.counters["ratio"] = two / one;
  std::uint64_t checksum = 0;
  for (const auto& pipeline : pipelines) checksum += pipeline->checksum();
  state.counters["checksum"] = static_cast<double>(checksum & 0xffffffff);
}
BENCHMARK(two_over_one)
    ->ArgName("sources")
    ->Arg(1 << 10)
    ->Arg(1 << 20)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace edgesentry::perf
