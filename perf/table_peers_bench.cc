// The table of sources beside general ones that do the same job: look up the source of each packet
// of a burst, count it, and note when it was last seen. All sources are known already and come at
// random, 32 at once. `ours` is the whole Inspector (who is this, is anything suspicious about it);
// rte_hash looks the burst up at once, with its own prefetching, and keeps count and time in an
// array by position; tbb::concurrent_hash_map takes one key after the other. Every table has room
// for twice its sources (tbb grows) and lies in the same kind of memory: huge pages. `bytes` are
// those of the table for each source that is in it.
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_malloc.h>
#include <tbb/concurrent_hash_map.h>

#include <memory>
#include <vector>

#include "engine.h"
#include "meter.h"
#include "probe_pool.h"

namespace edgesentry::perf {
namespace {

constexpr std::uint64_t kBurstsPerRound = 512;
constexpr std::size_t kMebi = std::size_t{1} << 20;

struct Sight {
  std::uint32_t count;
  std::uint32_t last_seen;
};

using Keys = std::array<std::uint32_t, kProbeBurst>;

void run_rounds(benchmark::State& state, std::uint32_t sources, auto&& look_up, auto&& count) {
  SourceOrder order(sources);
  Keys keys{};
  std::uint64_t items = 0;
  std::uint32_t now = 1;
  for (std::uint32_t seen = 0; seen < sources; seen += kProbeBurst) {
    for (auto& key : keys) key = order.each_once();
    look_up(keys, now);  // tbb sorts its buckets at the first sight
  }
  Meter meter(state);
  for (auto _ : state) {
    for (std::uint64_t i = 0; i < kBurstsPerRound; ++i, ++now) {
      for (auto& key : keys) key = order.random();
      look_up(keys, now);
    }
    items += kBurstsPerRound * kProbeBurst;
  }
  meter.finish(items, items);
  EDGESENTRY_CHECK(count() == items + sources, "every packet is counted at a known source");
}

void note_memory(benchmark::State& state, std::size_t bytes, std::uint32_t sources,
                 const HugeMemory& memory) {
  state.counters["bytes"] = static_cast<double>(bytes) / sources;
  state.SetLabel(memory.backing());
}

void ours(benchmark::State& state) {
  const auto sources = static_cast<std::uint32_t>(state.range(0));
  Engine engine(sources * 2, 16, false);
  ProbePool pool(sources);
  // Twice, since a first sight is more work than those after it.
  for (std::uint32_t seen = 0; seen < 2 * sources; seen += kProbeBurst)
    engine.inspect(pool.next_new());
  const std::uint64_t added = engine.tally().sources_added.value();
  std::uint64_t items = 0;
  Meter meter(state);
  for (auto _ : state) {
    for (std::uint64_t i = 0; i < kBurstsPerRound; ++i) engine.inspect(pool.next_random());
    items += kBurstsPerRound * kProbeBurst;
  }
  meter.finish(items, engine.tally().sources_added.value() - added);
  const auto bytes = [](std::uint32_t room) {
    return scan::Inspector::bytes_needed({.sources = room});
  };
  // What doubling the sources adds is the table alone, without the suspects behind it.
  note_memory(state, bytes(sources * 4) - bytes(sources * 2), sources, engine.memory());
}

// EAL without hugepages of its own: the table gets ours, as a heap of external memory.
void start_eal() {
  static const bool is_started = [] {
    std::vector<std::string> words = {"table_peers",
                                      "--no-huge",
                                      "--no-shconf",
                                      "--no-pci",
                                      "--no-telemetry",
                                      "-m",
                                      "64",
                                      "--log-level=error",
                                      "-l",
                                      std::to_string(sched_getcpu())};
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    return rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) >= 0;
  }();
  EDGESENTRY_CHECK(is_started, "EAL starts without hugepages, devices and root");
}

class ExternalHeap {
 public:
  explicit ExternalHeap(std::size_t bytes) : memory_(bytes) {
    constexpr std::size_t kPage = 2 * kMebi;
    EDGESENTRY_CHECK(rte_malloc_heap_create(kName) == 0, "no other heap has the name");
    const auto all = memory_.bytes();
    const int added = rte_malloc_heap_memory_add(kName, all.data(), all.size(), nullptr,
                                                 static_cast<unsigned>(all.size() / kPage), kPage);
    EDGESENTRY_CHECK(added == 0, "EAL takes memory that is mapped and aligned");
  }
  ~ExternalHeap() {
    const auto all = memory_.bytes();
    rte_malloc_heap_memory_remove(kName, all.data(), all.size());
    rte_malloc_heap_destroy(kName);
  }
  ExternalHeap(const ExternalHeap&) = delete;
  ExternalHeap& operator=(const ExternalHeap&) = delete;

  [[nodiscard]] int socket() const { return rte_malloc_heap_get_socket(kName); }
  [[nodiscard]] std::size_t used() const {
    rte_malloc_socket_stats stats{};
    rte_malloc_get_socket_stats(socket(), &stats);
    return stats.heap_allocsz_bytes;
  }
  [[nodiscard]] const HugeMemory& memory() const { return memory_; }

 private:
  static constexpr const char* kName = "table_peers";
  HugeMemory memory_;
};

class RteTable {
 public:
  RteTable(std::uint32_t sources, const ExternalHeap& heap) {
    rte_hash_parameters wanted{};
    wanted.name = "table_peers";
    wanted.entries = sources * 2;
    wanted.key_len = sizeof(std::uint32_t);
    wanted.hash_func = rte_hash_crc;
    wanted.hash_func_init_val = 0x9e3779b9;
    wanted.socket_id = heap.socket();
    hash_.reset(rte_hash_create(&wanted));
    EDGESENTRY_CHECK(hash_ != nullptr, rte_strerror(rte_errno));
    const std::size_t positions = static_cast<std::size_t>(rte_hash_max_key_id(hash_.get())) + 1;
    sights_.reset(static_cast<Sight*>(
        rte_zmalloc_socket(nullptr, positions * sizeof(Sight), 64, heap.socket())));
    EDGESENTRY_CHECK(sights_ != nullptr, "the heap has room for both");
    for (std::uint32_t key = 0; key < sources; ++key)
      EDGESENTRY_CHECK(rte_hash_add_key(hash_.get(), &key) >= 0, "half of it is free");
    positions_ = positions;
  }
  void see(const Keys& keys, std::uint32_t now) {
    std::array<const void*, kProbeBurst> pointers;
    std::array<std::int32_t, kProbeBurst> at;
    for (std::size_t i = 0; i < keys.size(); ++i) pointers[i] = &keys[i];
    rte_hash_lookup_bulk(hash_.get(), pointers.data(), kProbeBurst, at.data());
    for (const std::int32_t each : at) __builtin_prefetch(&sights_[each], 1);
    for (const std::int32_t each : at) {
      sights_[each].count += 1;
      sights_[each].last_seen = now;
    }
  }
  [[nodiscard]] std::uint64_t counted() const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < positions_; ++i) sum += sights_[i].count;
    return sum;
  }

 private:
  struct FreeHash {
    void operator()(rte_hash* hash) const { rte_hash_free(hash); }
  };
  struct FreeSights {
    void operator()(Sight* sights) const { rte_free(sights); }
  };
  std::unique_ptr<rte_hash, FreeHash> hash_;
  std::unique_ptr<Sight[], FreeSights> sights_;
  std::size_t positions_ = 0;
};

void rte(benchmark::State& state) {
  const auto sources = static_cast<std::uint32_t>(state.range(0));
  start_eal();
  const ExternalHeap heap(std::size_t{sources} * 128 + 16 * kMebi);
  RteTable table(sources, heap);
  run_rounds(
      state, sources, [&](const Keys& keys, std::uint32_t now) { table.see(keys, now); },
      [&] { return table.counted(); });
  note_memory(state, heap.used(), sources, heap.memory());
}

// Memory that is only handed out; the map is filled once and then left as it is.
class Arena {
 public:
  explicit Arena(std::size_t bytes) : memory_(bytes) {}
  void* take(std::size_t bytes) {
    const std::size_t aligned = (bytes + 15) / 16 * 16;
    EDGESENTRY_CHECK(used_ + aligned <= memory_.bytes().size(), "the arena is large enough");
    used_ += aligned;
    return memory_.bytes().data() + used_ - aligned;
  }
  [[nodiscard]] std::size_t used() const { return used_; }
  [[nodiscard]] const HugeMemory& memory() const { return memory_; }

 private:
  HugeMemory memory_;
  std::size_t used_ = 0;
};

template <typename T>
struct ArenaAllocator {
  using value_type = T;
  Arena* arena;

  explicit ArenaAllocator(Arena& from) : arena(&from) {}
  template <typename U>
  ArenaAllocator(const ArenaAllocator<U>& other) : arena(other.arena) {}  // NOLINT: converts
  T* allocate(std::size_t count) { return static_cast<T*>(arena->take(count * sizeof(T))); }
  void deallocate(T*, std::size_t) {}
  template <typename U>
  bool operator==(const ArenaAllocator<U>& other) const {
    return arena == other.arena;
  }
};

struct CrcCompare {
  static std::size_t hash(std::uint32_t key) { return rte_hash_crc_4byte(key, 0x9e3779b9); }
  static bool equal(std::uint32_t a, std::uint32_t b) { return a == b; }
};

void tbb_map(benchmark::State& state) {
  using Allocator = ArenaAllocator<std::pair<const std::uint32_t, Sight>>;
  using Map = tbb::concurrent_hash_map<std::uint32_t, Sight, CrcCompare, Allocator>;
  const auto sources = static_cast<std::uint32_t>(state.range(0));
  Arena arena(std::size_t{sources} * 128 + 16 * kMebi);
  Map map(CrcCompare{}, Allocator(arena));
  for (std::uint32_t key = 0; key < sources; ++key) map.emplace(key, Sight{});
  run_rounds(
      state, sources,
      [&](const Keys& keys, std::uint32_t now) {
        for (const std::uint32_t key : keys) {
          Map::accessor at;
          if (map.find(at, key)) at->second = {at->second.count + 1, now};
        }
      },
      [&] {
        std::uint64_t sum = 0;
        for (const auto& each : map) sum += each.second.count;
        return sum;
      });
  note_memory(state, arena.used(), sources, arena.memory());
}

BENCHMARK(ours)->ArgName("sources")->Arg(1 << 10)->Arg(1 << 20)->Arg(1 << 24);
BENCHMARK(rte)->ArgName("sources")->Arg(1 << 10)->Arg(1 << 20)->Arg(1 << 24);
BENCHMARK(tbb_map)->ArgName("sources")->Arg(1 << 10)->Arg(1 << 20)->Arg(1 << 24);

}  // namespace
}  // namespace edgesentry::perf
