// Floods of invented sources, full tables and hostile nonsense.
#include <gtest/gtest.h>

#include <array>
#include <random>

#include "scan/inspect.h"
#include "scan/probes.h"
#include "scan/source_key.h"

namespace edgesentry::scan {
namespace {

const base::Ip kScanner = ip4(198, 51, 100, 7);
const base::Ip kServer = ip4(10, 0, 0, 1);

TEST(Flood, a_scanner_inside_invented_sources_is_found_as_fast_as_alone) {
  Bench bench(1024, 64, 64);  // a table that the flood overruns many times
  std::mt19937 random(7);
  std::uint16_t port = 1;
  bool dropped = false;
  for (int i = 0; i < 300'000 && !dropped; ++i) {
    bench.act(tcp({base::Ip::v4(static_cast<std::uint32_t>(random())), kServer,
                   static_cast<std::uint16_t>(random()), 80},
                  kSynFlag));
    if (i % 1000 == 999)
      dropped = bench.knock_closed({kScanner, kServer, 40000, port++}) == Verdict::drop;
  }
  ASSERT_TRUE(dropped);
  EXPECT_EQ(bench.alerts.at(0).source, kScanner);
  EXPECT_LE(port, 8) << "alone it takes five refusals";
}

TEST(Flood, invented_sources_with_one_packet_each_are_never_reported) {
  Bench bench(1024, 64, 64);
  for (std::uint32_t i = 0; i < 200'000; ++i)
    bench.act(tcp({base::Ip::v4(i * 2654435761u), kServer, 1024, 80}, kSynFlag));
  bench.pass_time(base::seconds(10));
  EXPECT_TRUE(bench.alerts.empty());
  EXPECT_EQ(bench.tally.sources.value(), 1024u);
  EXPECT_GT(bench.tally.evictions.value(), 100'000u);
}

TEST(Flood, suspects_are_kept_when_noise_wants_their_records) {
  Bench bench(4096, 16, 64);
  for (std::uint16_t port = 1; port <= 4; ++port)
    bench.knock_closed({kScanner, kServer, 40000, port});
  for (std::uint32_t i = 0; i < 20'000; ++i)  // each looks at two ports and goes
    for (std::uint16_t port = 80; port < 82; ++port)
      bench.act(tcp({base::Ip::v4(0x20000000u + i), kServer, 1024, port}, kSynFlag));
  EXPECT_TRUE(bench.alerts.empty());
  bench.knock_closed({kScanner, kServer, 40000, 5});
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(bench.alerts[0].source, kScanner);
}

TEST(Flood, forged_sources_of_a_few_refusals_do_not_hide_a_scanner) {
  Bench bench(4096, 16, 64);
  for (std::uint32_t i = 0; i < 64; ++i)
    for (std::uint16_t port = 1; port <= 3; ++port)
      bench.knock_closed({base::Ip::v4(0x20000000u + i), kServer, 1024, port});
  EXPECT_TRUE(bench.alerts.empty());
  std::uint16_t port = 1;
  while (port < 100 && bench.knock_closed({kScanner, kServer, 40000, port}) == Verdict::pass)
    ++port;
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_LE(port, 12);
}

// One abnormal packet and nine attempts reach the highest rank that a source can have.
void fill(Bench& bench, std::uint32_t number) {
  const base::Ip source = base::Ip::v4(0x30000000u + number);
  bench.act(tcp({source, kServer, 40000, 9000}, 0x01));
  for (std::uint16_t port = 9001; port <= 9009; ++port)
    bench.act(udp({source, kServer, 40000, port}));
}

TEST(Flood, forged_sources_that_did_their_worst_do_not_hide_a_scanner) {
  for (const bool goes_on : {false, true}) {
    Bench bench(4096, 64, 64);
    std::uint32_t number = 0;
    while (number < 1000) fill(bench, number++);
    EXPECT_TRUE(bench.alerts.empty());
    std::uint16_t port = 1;
    for (; port < 100; ++port) {
      if (bench.knock_closed({kScanner, kServer, 40000, port}) == Verdict::drop) break;
      if (goes_on) fill(bench, number++);
    }
    ASSERT_EQ(bench.alerts.size(), 1u) << goes_on;
    EXPECT_LE(port, 12) << goes_on;
  }
}

TEST(Flood, random_probes_in_random_roles_never_break_the_engine) {
  for (const std::uint32_t seed : {1u, 2u, 3u}) {
    std::mt19937 random(seed);
    Bench bench(64, 8, 16);
    for (int i = 0; i < 100'000; ++i) {
      wire::Probe probe{};
      probe.outcome = static_cast<wire::ParseOutcome>(random() % wire::kParseOutcomes);
      probe.source = random() % 2 ? base::Ip::v4(random() % 64)
                                  : base::Ip::from_bytes({0x20, 1, 0, 0, 0, 0, 0,
                                                          static_cast<std::uint8_t>(random() % 8)});
      probe.target = base::Ip::v4(random() % 64);
      probe.source_port = static_cast<std::uint16_t>(random() % 100);
      probe.target_port = static_cast<std::uint16_t>(random() % 100);
      probe.tcp_flags = static_cast<std::uint8_t>(random());
      probe.protocol = static_cast<std::uint8_t>(random());
      probe.icmp_type = static_cast<std::uint8_t>(random() % 20);
      probe.quoted_protocol = static_cast<std::uint8_t>(random() % 20);
      probe.traits = static_cast<std::uint8_t>(random());
      if (i % 50 == 0)
        bench.inspector->apply({.source = base::Ip::v4(random() % 64),
                                .kind = random() % 2 ? OrderKind::block : OrderKind::lift},
                               bench.policy);
      if (i % 100 == 0) bench.pass_time(base::Micros{random() % 10'000'000});
      if (random() % 2)
        bench.act(probe);
      else
        bench.hear(probe);
      if (!bench.alerts.empty() && i % 7 == 0) bench.inspector->offer_again(bench.alerts.back());
    }
    EXPECT_LE(bench.tally.sources.value(), 64u);
    EXPECT_LE(bench.tally.suspects.value(), 8u);
    EXPECT_FALSE(bench.alerts.empty());
  }
}

TEST(Flood, ownership_is_the_same_for_both_directions_and_a_whole_prefix) {
  EXPECT_EQ(owner_hash(kTestKey, base::Ip::parse("2001:db8::1").value(), 64),
            owner_hash(kTestKey, base::Ip::parse("2001:db8::2").value(), 64));
  // Whoever the owner, its sources use all sets: upper bits of the hash against those of the key.
  std::array<std::array<int, 4>, 4> load{};
  for (std::uint32_t i = 0; i < 16'000; ++i)
    ++load[owner_hash(kTestKey, base::Ip::v4(i), 64) >> 30]
          [source_key(kTestKey, base::Ip::v4(i), 64).home >> 30];
  for (const auto& owner : load)
    for (const int count : owner) EXPECT_NEAR(count, 1000, 200);
}

}  // namespace
}  // namespace edgesentry::scan
