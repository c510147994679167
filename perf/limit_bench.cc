#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>

#include "huge_memory.h"
#include "line_limit.h"
#include "meter.h"
#include "scan/inspect.h"

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

constexpr std::size_t kGroup = scan::kExpectStep;

// What remains of the limit when a core has something else to do with each line: `work` additions
// in four chains, in groups as the pipeline goes, the lines of the next group asked for
// before those of this one are used. `alone` is the same work on one line.
template <int kWork>
class Overlap {
 public:
  explicit Overlap(std::span<std::byte> memory) noexcept
      : lines_(reinterpret_cast<std::uint64_t*>(memory.data())),
        mask_(memory.size() / base::kCacheLine - 1) {}

  // Cycles per line over the whole memory, or over a single line of it.
  double measure(std::uint64_t groups, bool is_alone) noexcept {
    const std::uint64_t mask = is_alone ? 0 : mask_;
    std::uint64_t* next[kGroup];
    std::uint64_t* now[kGroup];
    ask(next, mask);
    const double begin = thread_cycles();
    for (std::uint64_t i = 0; i < groups; ++i) {
      std::copy(std::begin(next), std::end(next), now);
      ask(next, mask);
      for (std::uint64_t* line : now) {
        work();
        sum_ += ++*line;
      }
    }
    return (thread_cycles() - begin) / static_cast<double>(groups * kGroup);
  }
  [[nodiscard]] std::uint64_t checksum() const noexcept { return sum_; }

 private:
  static constexpr std::size_t kWords = base::kCacheLine / sizeof(std::uint64_t);

  void ask(std::uint64_t** at, std::uint64_t mask) noexcept {
    for (std::size_t i = 0; i < kGroup; ++i) {
      random_ = random_ * 6364136223846793005u + 1442695040888963407u;
      at[i] = lines_ + (random_ >> 24 & mask) * kWords;
      __builtin_prefetch(at[i], 1);
    }
  }
  void work() noexcept {
    std::uint64_t a = sum_, b = 1, c = 2, d = 3;
    for (int i = 0; i < kWork; i += 4)
      asm volatile("add $3, %0; add $5, %1; add $7, %2; add $9, %3"
                   : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
    sum_ += a + b + c + d;
  }

  std::uint64_t* lines_;
  std::uint64_t mask_;
  std::uint64_t random_ = 1;
  std::uint64_t sum_ = 0;
};

template <int kWork>
void limit_beside_work(benchmark::State& state) {
  HugeMemory memory(static_cast<std::size_t>(state.range(0)) << 20);
  Overlap<kWork> lines(memory.bytes());
  const double alone = lines.measure(1 << 14, true);
  lines.measure(memory.bytes().size() / base::kCacheLine / kGroup, false);
  constexpr std::uint64_t kGroups = 2048;
  std::uint64_t items = 0;
  Meter meter(state);
  for (auto _ : state) {
    lines.measure(kGroups, false);
    items += kGroups * kGroup;
  }
  meter.finish(items, lines.checksum());
  state.counters["alone"] = alone;
}
BENCHMARK(limit_beside_work<0>)->ArgName("MiB")->Arg(256);
BENCHMARK(limit_beside_work<80>)->ArgName("MiB")->Arg(256);
BENCHMARK(limit_beside_work<160>)->ArgName("MiB")->Arg(256);

}  // namespace
}  // namespace edgesentry::perf
