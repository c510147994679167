// Too much of everything: full wires, an empty pool, a full alert ring, a stop in full traffic.
// Nothing waits, nothing is lost uncounted.
#include <gtest/gtest.h>
#include <rte_dev.h>

#include "eal/rig.h"

namespace edgesentry::test {
namespace {

constexpr std::string_view kServer = "10.0.0.1";

Bytes datagram(std::uint32_t source) {
  return PacketBuilder().ip(base::Ip::v4(source), *base::Ip::parse(kServer)).udp(5000, 53).bytes();
}

TEST(Pressure, counts_what_a_full_wire_refuses) {
  Rig rig({.wire_capacity = 32});
  for (std::uint32_t i = 0; i < 100; ++i) rig.send_outside(datagram(0xc6336407u));
  rig.start();
  ASSERT_TRUE(rig.settles());
  const Totals totals = rig.totals();
  EXPECT_EQ(totals.forwarded, 32u);
  EXPECT_EQ(totals.faults[static_cast<std::size_t>(scan::FaultDrop::transmit_full)], 68u);
  EXPECT_EQ(totals.received_bytes, totals.forwarded_bytes + totals.dropped_bytes);
  EXPECT_EQ(rig.left_inside().size(), 32u);
}

TEST(Pressure, goes_on_when_the_packet_pool_has_recovered) {
  ASSERT_EQ(rte_eal_hotplug_add("vdev", "net_null_flood", "size=60,copy=1"), 0);
  constexpr std::uint32_t kPackets = 2'047;
  Rig rig({.wire_capacity = 8'192, .packets = kPackets, .outside_device = "net_null_flood"});
  rig.start();
  // Nobody empties the inside wire: every buffer ends there, but for those kept in caches.
  ASSERT_TRUE(eventually([&] { return rig.pool().available() < nic::kPoolCache * 2; }));
  std::uint64_t before = 0, drained = 0;
  for (int round = 0; round < 3; ++round) {
    before = rig.totals().forwarded;
    ASSERT_TRUE(eventually([&] {
      drained += rig.left_inside().size();
      return rig.totals().forwarded > before + kPackets;
    })) << "round "
        << round;
  }
  rig.stop();
  drained += rig.left_inside().size();
  const Totals totals = rig.totals();
  EXPECT_EQ(totals.received, totals.ended());
  EXPECT_EQ(totals.forwarded, drained);
  EXPECT_EQ(rig.pool().available(), kPackets);
}

TEST(Pressure, stops_in_full_traffic_and_accounts_for_every_packet) {
  for (const std::uint16_t workers : {1, 2}) {
    const std::string device = "net_null_stop" + std::to_string(workers);
    ASSERT_EQ(rte_eal_hotplug_add("vdev", device.c_str(), "size=60,copy=0"), 0);
    Rig rig({.workers = workers, .wire_capacity = 64, .outside_device = device});
    rig.start();
    ASSERT_TRUE(eventually([&] { return rig.totals().received > 200'000; }));
    rig.stop();
    const Totals totals = rig.totals();
    EXPECT_EQ(totals.received, totals.ended()) << workers << " workers";
    EXPECT_EQ(totals.received_bytes, totals.forwarded_bytes + totals.dropped_bytes);
    (void)rig.left_inside();
    EXPECT_EQ(rig.pool().available(), rig.pool().size()) << "no buffer is lost";
  }
}

TEST(Pressure, keeps_alerts_that_a_full_ring_refused) {
  Rig rig({.alert_ring = 4});
  rig.start();
  constexpr std::uint32_t kScanners = 100;
  for (std::uint16_t port = 1; port <= 60; ++port)
    for (std::uint32_t n = 0; n < kScanners; ++n)
      rig.send_outside(PacketBuilder()
                           .ip(base::Ip::v4(0xc6336400u + n), *base::Ip::parse(kServer))
                           .tcp(40'000, port, wire::tcp_flag::kSyn)
                           .bytes());
  ASSERT_TRUE(rig.settles());
  // All are blocked at once, reported or not; the reports come as the ring finds room.
  EXPECT_EQ(rig.plane().tallies()[0]->blocked_sources.value(), kScanners);
  EXPECT_GT(rig.plane().tallies()[0]->alerts_refused.value(), 0u);
  std::size_t reported = 0;
  std::uint16_t port = 61;
  EXPECT_TRUE(eventually([&] {
    for (std::uint32_t n = 0; n < kScanners; ++n)
      rig.send_outside(PacketBuilder()
                           .ip(base::Ip::v4(0xc6336400u + n), *base::Ip::parse(kServer))
                           .tcp(40'000, port, wire::tcp_flag::kSyn)
                           .bytes());
    EXPECT_TRUE(rig.settles());
    ++port;
    for (const scan::Alert& alert : rig.alerts())
      reported += alert.kind == scan::AlertKind::decision ? 1 : 0;
    return reported >= kScanners;
  })) << reported
      << " of " << kScanners;
}

}  // namespace
}  // namespace edgesentry::test
