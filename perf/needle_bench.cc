// The needle: nmap's SYN scan of closed ports inside a flood of invented sources, each of which
// sends one SYN and is refused as the scanner is. How many probes the scanner gets through before
// its block must not depend on the flood; what is in the tables is of fixed size, and each probe
// has a verdict. At 10 Mpps, one probe of the scan a millisecond, from the middle of the flood on.
#include <unistd.h>

#include <array>
#include <cstdio>

#include "engine.h"
#include "meter.h"

namespace edgesentry::perf {
namespace {

constexpr std::size_t kBurst = 64;
constexpr std::uint32_t kBurstsPerProbe = 156;  // two calls of 3 us each: 10 Mpps
constexpr std::uint32_t kHosts = 256;           // that are protected
const base::Ip kScanner = base::Ip::v4(0xc6336407);

wire::Probe segment(const base::Ip& from, const base::Ip& to, std::uint16_t from_port,
                    std::uint16_t to_port, std::uint8_t flags) {
  wire::Probe probe{};
  probe.outcome = wire::ParseOutcome::tcp;
  probe.protocol = 6;
  probe.source = from;
  probe.target = to;
  probe.source_port = from_port;
  probe.target_port = to_port;
  probe.tcp_flags = flags;
  probe.ttl = 50;
  return probe;
}

class Haystack {
 public:
  // As configured by default: 2^20 sources, 2^13 suspects, 2^16 blocks.
  Haystack() : engine_(1u << 20, 1u << 16, true) { engine_.set_step({3}); }

  // One burst of the flood; with_probe: its last packet is the scanner's.
  void burst(bool with_probe) {
    std::array<wire::Probe, kBurst> probes, answers;
    for (std::size_t i = 0; i < kBurst; ++i) {
      random_ = random_ * 6364136223846793005u + 1442695040888963407u;
      // Every number once: an odd multiplier is a bijection; 16/4 and up are left out.
      const std::uint32_t source = 0x01000000u + (number_++ * 0x9e3779b1u) % 0x7e000000u;
      const auto port = static_cast<std::uint16_t>(random_ >> 48);
      probes[i] =
          segment(base::Ip::v4(source), host(random_ >> 32), 40000, port, wire::tcp_flag::kSyn);
    }
    if (with_probe)
      probes.back() = segment(kScanner, host(0), 40000, next_port_++, wire::tcp_flag::kSyn);
    for (std::size_t i = 0; i < kBurst; ++i) {
      const wire::Probe& probe = probes[i];
      answers[i] = segment(probe.target, probe.source, probe.target_port, probe.source_port,
                           wire::tcp_flag::kRst | wire::tcp_flag::kAck);
    }
    const std::uint64_t dropped = engine_.inspect(probes);
    const bool is_scanner_dropped = with_probe && engine_.last_verdict() != scan::Verdict::pass;
    engine_.inspect(std::span(answers).first(kBurst - (is_scanner_dropped ? 1 : 0)),
                    scan::Role::answer);
    sent_ += kBurst;
    dropped_ += dropped;
    if (!with_probe) return;
    if (is_scanner_dropped)
      is_blocked_ = true;
    else
      ++passed_probes_;
  }
  [[nodiscard]] bool is_blocked() const noexcept { return is_blocked_; }
  [[nodiscard]] std::uint32_t passed_probes() const noexcept { return passed_probes_; }
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }
  [[nodiscard]] const Engine& engine() const noexcept { return engine_; }

 private:
  static base::Ip host(std::uint64_t number) {
    return base::Ip::v4(0x0a000000u + static_cast<std::uint32_t>(number % kHosts));
  }

  Engine engine_;
  std::uint64_t random_ = 1, sent_ = 0, dropped_ = 0;
  std::uint32_t number_ = 0, passed_probes_ = 0;
  std::uint16_t next_port_ = 1;
  bool is_blocked_ = false;
};

double resident_mib() {
  long pages = 0, resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  EDGESENTRY_CHECK(file != nullptr && std::fscanf(file, "%ld %ld", &pages, &resident) == 2,
                   "the kernel tells a process its size");
  std::fclose(file);
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

void needle(benchmark::State& state) {
  const auto flood = static_cast<std::uint64_t>(state.range(0));
  double probes = 0, grown = 0;
  std::uint64_t items = 0, wrong = 0;
  Meter meter(state);
  for (auto _ : state) {
    Haystack stack;
    const double before = resident_mib();
    std::uint64_t bursts = 0;
    while (stack.sent() < flood / 2) stack.burst(false);
    while (stack.sent() < flood || !stack.is_blocked())
      stack.burst(flood == 0 || bursts++ % kBurstsPerProbe == 0);
    EDGESENTRY_CHECK(stack.is_blocked(), "the scanner is found");
    probes = stack.passed_probes();
    grown = resident_mib() - before;
    items += stack.sent();
    // Whoever else was dropped was blocked wrongly.
    wrong += stack.engine().tally().blocked_sources.value() > 1 ? 1 : 0;
  }
  meter.finish(items, wrong);
  state.counters["probes"] = probes;
  state.counters["grown_mib"] = grown;
}
BENCHMARK(needle)
    ->ArgName("flood")
    ->Arg(0)
    ->Arg(1'000'000)
    ->Arg(10'000'000)
    ->Arg(100'000'000)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

}  // namespace
}  // namespace edgesentry::perf
