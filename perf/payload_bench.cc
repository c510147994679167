// What looking into packets costs a worker, with the patterns that come with the program: packets
// that nobody asks for, transfers whose first bytes were looked at, and payloads that are scanned.
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "meter.h"
#include "payload/watch.h"
#include "signature/pattern_source.h"

namespace edgesentry::perf {
namespace {

using signature::Side;

constexpr std::uint32_t kConnections = 256;
constexpr std::uint16_t kHeaders = 54;
constexpr signature::FlowHashKey kKey = {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb,
                                         0x2545f4914f6cdd1d};

// One direction of many connections that take turns, a segment each.
class Traffic {
 public:
  Traffic(Side side, std::uint16_t port, const std::string& text,
          std::uint32_t first_client = 0xc6336400)
      : side_(side) {
    frame_.assign(kHeaders, 0);
    frame_.insert(frame_.end(), text.begin(), text.end());
    for (std::uint32_t n = 0; n < kConnections; ++n) {
      wire::Probe probe{};
      probe.outcome = wire::ParseOutcome::tcp;
      probe.protocol = 6;
      probe.tcp_flags = wire::tcp_flag::kAck;
      probe.source = base::Ip::v4(first_client + n);
      probe.target = base::Ip::v4(0x0a000001);
      probe.source_port = static_cast<std::uint16_t>(40'000 + n);
      probe.target_port = port;
      probe.payload_bytes = static_cast<std::uint16_t>(text.size());
      probe.payload_offset = kHeaders;
      if (side == Side::server) {
        std::swap(probe.source, probe.target);
        std::swap(probe.source_port, probe.target_port);
      }
      probes_.push_back(probe);
    }
  }
  // True when it was looked at.
  bool send(payload::Watch& watch, base::Micros now) {
    wire::Probe& probe = probes_[next_++ % kConnections];
    probe.sequence += probe.payload_bytes;
    if (!watch.wants(probe, side_)) return false;
    benchmark::DoNotOptimize(watch.look(probe, side_, frame_, now).count);
    return true;
  }
  // What follows is far behind: the same ports in connections of their own.
  void renew() {
    for (wire::Probe& probe : probes_) probe.sequence += 1u << 30;
  }

 private:
  Side side_;
  std::vector<std::uint8_t> frame_;
  std::vector<wire::Probe> probes_;
  std::uint32_t next_ = 0;
};

std::unique_ptr<payload::Watch> make_watch() {
  static const auto opened = signature::open_patterns({});
  EDGESENTRY_CHECK(opened.database != nullptr, "patterns.toml lies beside the program");
  signature::MatcherLimits limits;
  limits.bytes_per_second = limits.bytes_at_once = signature::TokenBucket::kRateMax;
  auto watch = payload::Watch::create(opened.database, {.limits = limits, .key = kKey});
  EDGESENTRY_CHECK(watch.ok(), "there is memory");
  return std::move(watch).value();
}

void run(benchmark::State& state, Traffic& traffic, bool is_new) {
  const auto watch = make_watch();
  Traffic dialogues(Side::client, 22, "SSH-2.0-OpenSSH_9.2\r\n", 0xcb007100);
  for (std::uint32_t i = 0; i < kConnections; ++i) dialogues.send(*watch, {});
  for (std::uint32_t i = 0; i < 8 * kConnections; ++i) traffic.send(*watch, {});
  std::uint64_t items = 0, looked = 0;
  Meter meter(state);
  for (auto _ : state) {
    if (is_new) traffic.renew();
    for (std::uint32_t i = 0; i < kConnections; ++i) looked += traffic.send(*watch, {}) ? 1 : 0;
    items += kConnections;
  }
  meter.finish(items, looked);
  state.counters["looked_at"] = static_cast<double>(looked) / static_cast<double>(items);
}

void download_at_another_port(benchmark::State& state) {
  Traffic traffic(Side::server, 443, std::string(1448, 'x'));
  run(state, traffic, false);
}
BENCHMARK(download_at_another_port);

void download_at_a_port_with_dialogues(benchmark::State& state) {
  Traffic traffic(Side::server, 22, std::string(1448, 'x'));
  run(state, traffic, false);
}
BENCHMARK(download_at_a_port_with_dialogues);

void download_from_a_web_server(benchmark::State& state) {
  Traffic traffic(Side::server, 80, std::string(1448, 'x'));
  run(state, traffic, false);
}
BENCHMARK(download_from_a_web_server);

void upload_past_its_first_bytes(benchmark::State& state) {
  Traffic traffic(Side::client, 443, std::string(1448, 'x'));
  run(state, traffic, false);
}
BENCHMARK(upload_past_its_first_bytes);

void first_request_of_a_connection(benchmark::State& state) {
  Traffic traffic(Side::client, 80,
                  "GET /index.html HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: Mozilla/5.0 "
                  "(X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\nAccept: "
                  "text/html,application/xhtml+xml\r\nAccept-Language: en\r\n\r\n");
  run(state, traffic, true);
}
BENCHMARK(first_request_of_a_connection);

void refused_login(benchmark::State& state) {
  Traffic traffic(Side::server, 21, "530 Login incorrect.\r\n");
  run(state, traffic, true);
}
BENCHMARK(refused_login);

}  // namespace
}  // namespace edgesentry::perf
