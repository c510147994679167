// What detection costs beyond tier 1: sources that are scanning (tier 2 and the detectors), the
// answers of protected hosts, sources that are blocked, and a flood in which every source looks
// suspicious for a moment, which is the worst that an attacker can send.
#include "engine.h"
#include "meter.h"
#include "probe_pool.h"

namespace edgesentry::perf {
namespace {

constexpr std::uint64_t kBurstsPerRound = 512;

// `shape(probe, n)` makes the n-th packet of what `run` is about.
template <class Shape>
void run(benchmark::State& state, Engine& engine, scan::Role role, const Shape& shape) {
  ProbeBurst burst;
  burst.fill(syn_probe(0, 443));
  std::uint64_t items = 0, drops = 0;
  std::uint32_t n = 0;
  const auto round = [&] {
    for (std::uint64_t i = 0; i < kBurstsPerRound; ++i) {
      for (auto& probe : burst) shape(probe, n++);
      drops += engine.inspect(burst, role);
    }
  };
  round();  // warm
  Meter meter(state);
  for (auto _ : state) {
    round();
    items += kBurstsPerRound * kProbeBurst;
  }
  meter.finish(items, drops + engine.alerts());
  state.counters["alerts"] = static_cast<double>(engine.alerts()) / static_cast<double>(n);
  state.counters["dropped"] = static_cast<double>(drops) / static_cast<double>(n);
}

base::Ip source_number(std::uint32_t n) {
  return base::Ip::v4(0x14000000 + n);
}

// Observed, never blocked: 64 sources walk through all ports of one host.
void vertical_scan_observed(benchmark::State& state) {
  Engine engine(1u << 16, 16, false);
  run(state, engine, scan::Role::actor, [](wire::Probe& probe, std::uint32_t n) {
    probe.source = source_number(n % 64);
    probe.target_port = static_cast<std::uint16_t>(n / 64);
  });
}
BENCHMARK(vertical_scan_observed);

// The same where policy enforces: after a few packets each is blocked, and the rest is dropped.
void vertical_scan_enforced(benchmark::State& state) {
  Engine engine(1u << 16, 1u << 10, true);
  run(state, engine, scan::Role::actor, [](wire::Probe& probe, std::uint32_t n) {
    probe.source = source_number(n % 64);
    probe.target_port = static_cast<std::uint16_t>(n / 64);
  });
}
BENCHMARK(vertical_scan_enforced);

// Hosts refuse what 64 scanners ask for: each packet is a RST to one of them.
void answers_of_hosts(benchmark::State& state) {
  Engine engine(1u << 16, 16, false);
  run(state, engine, scan::Role::answer, [](wire::Probe& probe, std::uint32_t n) {
    probe.target = source_number(n % 64);
    probe.source = base::Ip::v4(0x0a000001);
    probe.source_port = static_cast<std::uint16_t>(n / 64);
    probe.target_port = 40000;
    probe.tcp_flags = wire::tcp_flag::kRst | wire::tcp_flag::kAck;
  });
}
BENCHMARK(answers_of_hosts);

// Sources that come twice, to another port each time: every second packet claims a record of tier 2
// and throws out another source's.
void flood_of_suspects(benchmark::State& state) {
  Engine engine(1u << 20, 16, false);
  run(state, engine, scan::Role::actor, [](wire::Probe& probe, std::uint32_t n) {
    probe.source = source_number((n >> 1) * 0x9e3779b1u & 0xffffff);
    probe.target_port = static_cast<std::uint16_t>(8000 + (n & 1));
  });
}
BENCHMARK(flood_of_suspects);

// The same with probes that no TCP stack sends, of sources that come once.
void flood_of_null_probes(benchmark::State& state) {
  Engine engine(1u << 20, 16, false);
  run(state, engine, scan::Role::actor, [](wire::Probe& probe, std::uint32_t n) {
    probe.source = source_number(n * 0x9e3779b1u & 0xffffff);
    probe.tcp_flags = 0;
  });
}
BENCHMARK(flood_of_null_probes);

}  // namespace
}  // namespace edgesentry::perf
