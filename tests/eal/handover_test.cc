// Two workers over wires that spread sources badly: software hand-over brings each source to its
// owner, and the decisions are those of one worker.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "eal/rig.h"

namespace edgesentry::test {
namespace {

constexpr std::string_view kServer = "10.0.0.1";
constexpr std::uint16_t kScanners = 20;
constexpr std::uint16_t kProbes = 60;

std::string scanner(std::uint16_t n) {
  return "198.51.100." + std::to_string(n + 1);
}
std::string scanner6(std::uint16_t n) {
  return "2001:db8:0:" + std::to_string(n + 1) + "::7";
}

Bytes syn(const std::string& source, std::uint16_t port) {
  const bool is_ipv6 = source.find(':') != source.npos;
  return PacketBuilder()
      .ip(source, is_ipv6 ? std::string_view("2001:db8:ffff::1") : kServer)
      .tcp(40'000, port, wire::tcp_flag::kSyn)
      .bytes();
}

// Sources that the workers decided to drop, after interleaved scans whose packets are dealt to the
// queues in turn: the worst that a NIC without a source hash can do.
std::set<std::string> blocked_sources(Rig& rig, std::uint16_t workers) {
  rig.start();
  std::uint16_t queue = 0;
  for (std::uint16_t port = 1; port <= kProbes; ++port)
    for (std::uint16_t n = 0; n < kScanners; ++n) {
      rig.send_outside(syn(scanner(n), port), queue++ % workers);
      rig.send_outside(syn(scanner6(n), port), queue++ % workers);
      // A visitor of one service, on every queue: innocent however often it comes.
      rig.send_outside(syn("203.0.113.9", 443), queue++ % workers);
    }
  EXPECT_TRUE(rig.settles());
  std::set<std::string> sources;
  for (const scan::Alert& alert : rig.alerts())
    if (alert.kind == scan::AlertKind::decision && alert.dropping)
      sources.insert(alert.source.to_string());
  return sources;
}

TEST(Handover, decides_as_one_worker_would) {
  Rig one({.workers = 1});
  const std::set<std::string> expected = blocked_sources(one, 1);
  EXPECT_EQ(expected.size(), 2u * kScanners);
  EXPECT_EQ(one.totals().handed_over, 0u);
  one.stop();

  Rig two({.workers = 2});
  EXPECT_EQ(two.plane().spread(), nic::Spread::handover);
  EXPECT_EQ(blocked_sources(two, 2), expected);
  two.stop();
  const Totals totals = two.totals();
  EXPECT_GT(totals.handed_over, 0u);
  EXPECT_EQ(totals.handed_over, totals.taken_over);
  EXPECT_EQ(totals.received, totals.ended());
}

TEST(Handover, drops_a_decided_scanner_on_whichever_queue_it_arrives) {
  Rig rig({.workers = 2});
  rig.start();
  for (std::uint16_t port = 1; port <= kProbes; ++port)
    rig.send_outside(syn(scanner(3), port), port % 2);
  ASSERT_TRUE(rig.settles());
  (void)rig.left_inside();
  for (std::uint16_t i = 0; i < 200; ++i) rig.send_outside(syn(scanner(3), 9'000), i % 2);
  ASSERT_TRUE(rig.settles());
  EXPECT_TRUE(rig.left_inside().empty());
}

TEST(Handover, keeps_the_packets_of_a_source_in_order) {
  Rig rig({.workers = 2});
  std::vector<Bytes> frames;
  for (std::uint16_t i = 0; i < 1'000; ++i)
    frames.push_back(PacketBuilder().ip("198.51.100.7", kServer).udp(5000, 53).payload(i).bytes());
  rig.start();
  for (const Bytes& frame : frames) rig.send_outside(frame, 0);
  ASSERT_TRUE(rig.settles());
  EXPECT_EQ(rig.left_inside(), frames);
}

TEST(Handover, lets_both_directions_of_a_source_meet) {
  Rig rig({.workers = 2});
  rig.start();
  // Every attempt is answered: an innocent client whose packets and answers take different queues.
  for (std::uint16_t i = 0; i < 400; ++i) {
    const std::uint16_t port = static_cast<std::uint16_t>(40'000 + i);
    rig.send_outside(
        PacketBuilder().ip("198.51.100.7", kServer).tcp(port, 80, wire::tcp_flag::kSyn).bytes(), 0);
    rig.send_inside(PacketBuilder()
                        .ip(kServer, "198.51.100.7")
                        .tcp(80, port, wire::tcp_flag::kSyn | wire::tcp_flag::kAck)
                        .bytes(),
                    1);
  }
  ASSERT_TRUE(rig.settles());
  EXPECT_TRUE(rig.alerts().empty());
  EXPECT_EQ(rig.totals().forwarded, 800u);
}

TEST(Handover, counts_what_a_full_ring_refuses) {
  Rig rig({.workers = 2, .handover_ring = 4});
  std::uint64_t sent = 0;
  for (std::uint16_t n = 0; n < 2'000; ++n, ++sent)
    rig.send_outside(PacketBuilder()
                         .ip(base::Ip::v4(0xc6336400u + n), *base::Ip::parse(kServer))
                         .udp(5000, 53)
                         .bytes(),
                     0);
  rig.start();
  ASSERT_TRUE(rig.settles());
  rig.stop();
  const Totals totals = rig.totals();
  EXPECT_GT(totals.faults[static_cast<std::size_t>(scan::FaultDrop::handover_full)], 0u);
  EXPECT_EQ(totals.received, sent);
  EXPECT_EQ(totals.received, totals.ended());
  EXPECT_EQ(totals.received_bytes, totals.forwarded_bytes + totals.dropped_bytes);
  EXPECT_EQ(rig.left_inside().size(), totals.forwarded);
}

TEST(Handover, forwards_what_the_owner_has_no_room_for_when_told_to_fail_open) {
  Rig rig({.workers = 2, .handover_ring = 4});
  rig.plane().stance().take(plane::stance::kPassUnowned);
  rig.plane().stance().stall(1, true);
  for (std::uint16_t n = 0; n < 2'000; ++n)
    rig.send_outside(PacketBuilder()
                         .ip(base::Ip::v4(0xc6336400u + n), *base::Ip::parse(kServer))
                         .udp(5000, 53)
                         .bytes(),
                     0);
  rig.start();
  EXPECT_TRUE(eventually([&] { return rig.totals().forwarded >= 1'990; }));
  EXPECT_EQ(rig.plane().stop(std::chrono::milliseconds(1)), std::vector<std::uint16_t>{1});
  rig.plane().stance().stall(1, false);
  rig.stop();
  const Totals totals = rig.totals();
  EXPECT_EQ(totals.faults[static_cast<std::size_t>(scan::FaultDrop::handover_full)], 0u);
  EXPECT_EQ(totals.forwarded, 2'000u);
  EXPECT_EQ(totals.received, totals.ended());
  EXPECT_EQ(rig.left_inside().size(), totals.forwarded);
}

TEST(Stance, lets_nothing_pass_when_told_to_fail_closed) {
  Rig rig;
  rig.plane().stance().take(plane::stance::kClosed);
  for (std::uint16_t n = 0; n < 100; ++n)
    rig.send_outside(PacketBuilder().ip("198.51.100.7", kServer).udp(5000, 53).payload(n).bytes(),
                     0);
  rig.start();
  ASSERT_TRUE(rig.settles());
  EXPECT_TRUE(rig.left_inside().empty());
  rig.plane().stance().take(0);
  rig.send_outside(PacketBuilder().ip("198.51.100.7", kServer).udp(5000, 53).bytes(), 0);
  ASSERT_TRUE(rig.settles());
  rig.stop();
  const Totals totals = rig.totals();
  EXPECT_EQ(totals.faults[static_cast<std::size_t>(scan::FaultDrop::closed)], 100u);
  EXPECT_EQ(totals.forwarded, 1u);
  EXPECT_EQ(totals.received_bytes, totals.forwarded_bytes + totals.dropped_bytes);
}

TEST(Handover, shows_each_probe_of_a_tap_to_the_owner_of_its_source) {
  Rig one({.workers = 1, .is_tap = true});
  const std::set<std::string> expected = blocked_sources(one, 1);
  EXPECT_EQ(expected.size(), kScanners) << "the IPv6 servers are not inside";
  one.stop();
  Rig two({.workers = 2, .is_tap = true});
  EXPECT_EQ(blocked_sources(two, 2), expected);
  two.stop();
  EXPECT_GT(two.totals().handed_over, 0u);
  EXPECT_EQ(two.totals().handed_over, two.totals().taken_over);
  EXPECT_EQ(two.totals().received, two.totals().ended());
}

}  // namespace
}  // namespace edgesentry::test
