// What is decided must not depend on how many workers share the sources, nor on how many packets
// fall into one instant. Traffic is invented from a seed: servers with open and closed ports that
// come and go, clients, scanners, and several of them at a time.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <random>
#include <set>
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

// How many packets share a timestamp: as captures with coarse clocks have them, and as a worker
// sees a burst.
struct Mixture {
  std::mt19937 random;
  std::uint32_t at_once = 1;

  std::uint32_t draw(std::uint32_t below) { return static_cast<std::uint32_t>(random() % below); }

  std::vector<Packet> packets(std::size_t count) {
    std::vector<Packet> list;
    std::uint64_t micros = 0;
    std::uint32_t left = 0;
    const auto add = [&](Bytes frame) {
      if (left == 0) {
        left = 1 + draw(at_once);
        micros += draw(4) == 0 ? draw(2'000'000) : draw(3000) + 1;
      }
      --left;
      list.push_back({micros, std::move(frame)});
    };
    while (list.size() < count) {
      const std::uint32_t who = draw(48);
      const std::string source =
          (who < 24 ? "198.51.100." : "203.0.113.") + std::to_string(who + 1);
      const std::string target = server(draw(40));
      const auto from = static_cast<std::uint16_t>(40000 + draw(2000));
      // A third of the sources ask for the few services that there are; the others try ports.
      const bool is_client = who % 3 == 0;
      const auto port = static_cast<std::uint16_t>(is_client ? 440 + draw(4) : 1 + draw(1000));
      const bool is_open = port >= 440 && port < 444 && draw(4) != 0;
      const std::uint32_t kind = draw(10);
      if (!is_client && kind < 2) {
        const std::uint8_t flags = kind == 0 ? 0 : 0x29;
        add(PacketBuilder().ip(source, target).tcp(from, port, flags).bytes());
        continue;
      }
      if (!is_client && kind == 2) {
        add(PacketBuilder().ip(source, target).udp(from, port).bytes());
        continue;
      }
      add(PacketBuilder().ip(source, target).tcp(from, port, kSyn).bytes());
      const std::uint8_t answer = is_open ? kSynAck : kRstAck;
      if (draw(5) != 0) add(PacketBuilder().ip(target, source).tcp(port, from, answer).bytes());
      if (is_open) add(PacketBuilder().ip(source, target).tcp(from, port, kAck).bytes());
    }
    return list;
  }
};

TEST(Workers, decide_the_same_however_many_share_the_sources) {
  std::size_t said = 0;
  for (std::uint32_t seed = 1; seed <= 12; ++seed) {
    // 1: each packet at a time of its own; 200: several full bursts at one instant.
    for (const std::uint32_t at_once : {1u, 3u, 64u, 200u}) {
      Mixture mixture{std::mt19937(seed * 1000 + at_once), at_once};
      const auto packets = mixture.packets(600);
      const auto alone = decisions_of(packets, 1);
      said += alone.size();
      for (const std::uint16_t workers : {2, 4, 8})
        ASSERT_EQ(apart(decisions_of(packets, workers), alone), std::vector<std::string>{})
            << workers << " workers, seed " << seed << ", up to " << at_once << " at once";
    }
  }
  EXPECT_GT(said, 48u * 10) << "there was something to decide";
}

}  // namespace
}  // namespace edgesentry::replay
