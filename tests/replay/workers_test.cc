// What is decided must not depend on how many workers share the sources.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "replay/replay.h"
#include "support/packet_builder.h"

namespace edgesentry::replay {
namespace {

using test::Bytes;
using test::PacketBuilder;

constexpr std::uint8_t kSyn = 0x02, kSynAck = 0x12, kAck = 0x10, kRstAck = 0x14;

struct Packet {
  std::uint64_t micros = 0;
  Bytes frame;
};

std::vector<std::string> decisions_of(const std::vector<Packet>& packets, std::uint16_t workers) {
  ReplayOptions options;
  options.sources = 1u << 12;
  options.suspects = 1u << 10;
  options.workers = workers;
  options.run_on = base::seconds(60);
  std::vector<std::string> lines;
  Replay replay(std::move(options), [&](const report::Event& event) {
    lines.push_back(std::to_string(event.time.time_since_epoch().count()) + " " +
                    std::to_string(static_cast<int>(event.action)) + " " + event.text);
  });
  constexpr std::uint64_t kStart = 1'700'000'000'000'000;
  std::uint64_t number = 0;
  for (const Packet& packet : packets)
    replay.take({packet.frame,
                 static_cast<std::uint32_t>(packet.frame.size()),
                 {kStart + packet.micros},
                 ++number},
                wire::LinkType::ethernet);
  const ReplaySummary summary = replay.finish();
  lines.push_back("dropped " + std::to_string(summary.dropped_packets));
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::string server(std::uint32_t n) {
  return "10.0.0." + std::to_string(1 + n);
}

// What only one of the two says.
std::vector<std::string> apart(const std::vector<std::string>& a,
                               const std::vector<std::string>& b) {
  std::vector<std::string> lines;
  std::set_symmetric_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(lines));
  return lines;
}

// Clients A make services known, the services fail, clients B find them silent or refused. None of
// them is a scanner, whoever's packets made the services known.
std::vector<Packet> outage(bool is_refused) {
  std::vector<Packet> packets;
  std::uint64_t micros = 0;
  const auto add = [&](Bytes frame) { packets.push_back({micros += 20'000, std::move(frame)}); };
  constexpr std::uint32_t kServers = 12;
  for (std::uint32_t n = 0; n < kServers; ++n) {
    const std::string client = "198.51.100." + std::to_string(10 + n);
    add(PacketBuilder().ip(client, server(n)).tcp(40000, 443, kSyn).bytes());
    add(PacketBuilder().ip(server(n), client).tcp(443, 40000, kSynAck).bytes());
    add(PacketBuilder().ip(client, server(n)).tcp(40000, 443, kAck).bytes());
  }
  for (std::uint32_t b = 0; b < 16; ++b)
    for (std::uint32_t n = 0; n < kServers; ++n) {
      const std::string client = "192.0.2." + std::to_string(10 + b);
      add(PacketBuilder().ip(client, server(n)).tcp(40001, 443, kSyn).bytes());
      if (is_refused) add(PacketBuilder().ip(server(n), client).tcp(443, 40001, kRstAck).bytes());
    }
  return packets;
}

TEST(Workers, know_a_service_that_another_ones_client_was_served_by) {
  for (const bool is_refused : {true, false}) {
    const auto alone = decisions_of(outage(is_refused), 1);
    ASSERT_EQ(alone, std::vector<std::string>{"dropped 0"}) << alone.front();
    for (const std::uint16_t workers : {2, 4, 8})
      EXPECT_EQ(apart(decisions_of(outage(is_refused), workers), alone), std::vector<std::string>{})
          << workers << " workers";
  }
}

}  // namespace
}  // namespace edgesentry::replay
