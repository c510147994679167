// A burst is cut where the NIC happens to cut it: verdicts and alerts must not depend on where.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include "scan/probes.h"

namespace edgesentry::scan {
namespace {

struct Packet {
  wire::Probe probe;
  Role role;
  bool is_later;  // than the packet before
};

// Scanners, clients and answers, many of the same sources, most of them at one instant.
std::vector<Packet> invented(std::uint32_t seed, std::size_t count) {
  std::mt19937 random(seed);
  const auto draw = [&random](std::uint32_t below) {
    return static_cast<std::uint32_t>(random() % below);
  };
  std::vector<Packet> packets;
  while (packets.size() < count) {
    const std::uint32_t who = draw(12);
    const auto port = static_cast<std::uint16_t>(who < 4 ? 80 : 1 + draw(400));
    const Flow flow{ip4(198, 51, 100, who), ip4(10, 0, 0, draw(8)),
                    static_cast<std::uint16_t>(40000 + draw(100)), port};
    constexpr std::array<std::uint8_t, 6> kFlags = {kSynFlag, kSynFlag, kSynFlag, 0, 0x29, kFinAck};
    const bool is_later = draw(40) == 0;
    switch (draw(4)) {
      case 0:
        packets.push_back(
            {tcp(flow.back(), port == 80 ? kSynAck : kRstAck), Role::answer, is_later});
        break;
      case 1:
        packets.push_back({udp(flow), Role::actor, is_later});
        break;
      default:
        packets.push_back({tcp(flow, kFlags[draw(kFlags.size())]), Role::actor, is_later});
    }
  }
  return packets;
}

std::string in_words(const Alert& alert) {
  std::string text = alert.source.to_string();
  for (const std::uint64_t value :
       {std::uint64_t{alert.port_count}, std::uint64_t{alert.target_count},
        std::uint64_t{alert.probes}, std::uint64_t{alert.failures}, alert.last_seen.value,
        static_cast<std::uint64_t>(alert.kind), static_cast<std::uint64_t>(alert.technique),
        static_cast<std::uint64_t>(alert.shape), static_cast<std::uint64_t>(alert.reason)})
    text.append(1, ' ').append(std::to_string(value));
  return text;
}

struct Outcome {
  std::vector<Verdict> verdicts;
  std::vector<std::string> alerts;
};

// Bursts of at most `burst` packets of one role and one time; 0: of a random number.
Outcome run(const std::vector<Packet>& packets, std::size_t burst, bool holds,
            std::mt19937 random) {
  Bench bench;
  bench.policy.holds_bursts = holds;
  Outcome outcome;
  std::size_t at = 0;
  while (at < packets.size()) {
    if (packets[at].is_later) {
      bench.now = bench.now + base::seconds(3);
      while (bench.inspector->tick(bench.now, bench.policy, bench.outbox)) continue;
    }
    const std::size_t most = burst != 0 ? burst : 1 + random() % kBurstMax;
    std::vector<wire::Probe> probes;
    const Role role = packets[at].role;
    do {
      probes.push_back(packets[at++].probe);
    } while (probes.size() < most && at < packets.size() && packets[at].role == role &&
             !packets[at].is_later);
    std::vector<Verdict> verdicts(probes.size());
    bench.inspector->inspect(probes, role, bench.now, bench.policy, verdicts, bench.outbox);
    outcome.verdicts.insert(outcome.verdicts.end(), verdicts.begin(), verdicts.end());
    for (const Alert& alert : bench.outbox.alerts()) outcome.alerts.push_back(in_words(alert));
    bench.outbox.clear();
  }
  return outcome;
}

TEST(Batching, changes_no_verdict_and_no_alert) {
  std::size_t dropped = 0, alerts = 0;
  for (std::uint32_t seed = 1; seed <= 20; ++seed)
    for (const bool holds : {false, true}) {
      const auto packets = invented(seed, 700);
      const Outcome one_by_one = run(packets, 1, holds, std::mt19937(seed));
      dropped += static_cast<std::size_t>(
          std::count(one_by_one.verdicts.begin(), one_by_one.verdicts.end(), Verdict::drop));
      alerts += one_by_one.alerts.size();
      for (const std::size_t burst : {2, 3, 17, 32, 64, 0, 0, 0}) {
        const Outcome cut = run(packets, burst, holds, std::mt19937(seed * 7 + 1));
        ASSERT_EQ(cut.verdicts, one_by_one.verdicts) << "seed " << seed << ", bursts of " << burst;
        ASSERT_EQ(cut.alerts, one_by_one.alerts) << "seed " << seed << ", bursts of " << burst;
      }
    }
  EXPECT_GT(dropped, 1000u);
  EXPECT_GT(alerts, 100u);
}

}  // namespace
}  // namespace edgesentry::scan
