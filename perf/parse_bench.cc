#include <array>

#include "frame_pool.h"
#include "meter.h"
#include "support/sample_frames.h"
#include "wire/parse.h"

namespace edgesentry::perf {
namespace {

constexpr std::size_t kBurst = 32;

void parse_burst(benchmark::State& state, std::span<const Frame> frames) {
  std::array<wire::Probe, kBurst> probes;
  std::uint64_t items = 0, checksum = 0;
  Meter meter(state);
  for (auto _ : state) {
    for (std::size_t begin = 0; begin + kBurst <= frames.size(); begin += kBurst) {
      for (std::size_t i = 0; i < kBurst; ++i)
        wire::parse({frames[begin + i].data, frames[begin + i].size}, wire::LinkType::ethernet,
                    probes[i]);
      benchmark::DoNotOptimize(probes.data());
      benchmark::ClobberMemory();
      checksum += probes[begin % kBurst].target_port;
    }
    items += frames.size();
  }
  meter.finish(items, checksum);
}

void parse_mix(benchmark::State& state, Mix mix) {
  FramePool pool(mix, kPoolFrames);
  parse_burst(state, pool.next(kPoolFrames));
}
BENCHMARK_CAPTURE(parse_mix, syn64, Mix::syn64);
BENCHMARK_CAPTURE(parse_mix, mixed, Mix::mixed);

// The same kind of frame again and again, by its name in sample_frames.h.
void parse_kind(benchmark::State& state, std::string_view name) {
  for (const auto& sample : test::frames::sample_frames()) {
    if (sample.name != name) continue;
    const auto size = static_cast<std::uint32_t>(sample.bytes.size());
    const std::vector<Frame> frames(kBurst, {sample.bytes.data(), size, 0});
    return parse_burst(state, frames);
  }
  state.SkipWithError("no sample frame has this name");
}
BENCHMARK_CAPTURE(parse_kind, udp, "udp");
BENCHMARK_CAPTURE(parse_kind, tcp_options, "tcp_options");
BENCHMARK_CAPTURE(parse_kind, qinq, "qinq");
BENCHMARK_CAPTURE(parse_kind, ipv6, "v6");
BENCHMARK_CAPTURE(parse_kind, ipv6_chain, "v6_chain");
BENCHMARK_CAPTURE(parse_kind, icmp_error, "icmp_error");

}  // namespace
}  // namespace edgesentry::perf
