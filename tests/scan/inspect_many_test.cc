// What is sent to many at once: IPTV, announcements, group membership. And what only looks so.
#include <gtest/gtest.h>

#include "scan/probes.h"

namespace edgesentry::scan {
namespace {

const base::Ip kOutside = ip4(198, 51, 100, 7);

base::Ip group6(std::uint8_t number) {
  return base::Ip::from_bytes({0xff, 0x0e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number});
}

wire::Probe membership(const base::Ip& group) {  // IGMP
  wire::Probe probe = tcp({kOutside, group, 0, 2}, 0);
  probe.outcome = wire::ParseOutcome::other_protocol;
  probe.protocol = 2;
  return probe;
}

wire::Probe echo(const base::Ip& target) {
  return icmp({kOutside, target}, 8);
}

TEST(Multicast, streams_to_many_groups_pass_and_say_nothing) {
  Bench bench;
  for (std::uint32_t n = 0; n < 400; ++n) {
    const auto group = static_cast<std::uint8_t>(n % 40);
    EXPECT_EQ(bench.act(udp({kOutside, ip4(239, 1, 1, group), 5004, 5004})), Verdict::pass);
    EXPECT_EQ(bench.act(membership(ip4(232, 1, 1, group))), Verdict::pass);
    EXPECT_EQ(bench.act(udp({kOutside, group6(group), 5004, 5004})), Verdict::pass);
    EXPECT_EQ(bench.act(echo(ip4(224, 0, 0, group))), Verdict::pass);
  }
  bench.pass_time(base::seconds(10));
  EXPECT_TRUE(bench.alerts.empty());
}

TEST(Multicast, calls_to_everybody_on_a_link_say_nothing) {
  Bench bench;
  for (std::uint16_t port = 3000; port < 3100; ++port)
    bench.act(udp({kOutside, ip4(255, 255, 255, 255), 40000, port}));
  bench.pass_time(base::seconds(10));
  EXPECT_TRUE(bench.alerts.empty());
}

TEST(Multicast, passes_from_a_contained_source) {
  Bench bench;
  bench.policy.verification.mode = Verify::challenge;
  bench.policy.verification.needed = Proof::handshake;
  for (std::uint16_t port = 1; port <= 12; ++port)
    bench.act(tcp({kOutside, ip4(10, 0, 0, 1), 40000, port}, kSynFlag));
  bench.pass_time(base::seconds(5));
  for (std::uint16_t port = 20; port <= 40; ++port)
    bench.act(tcp({kOutside, ip4(10, 0, 0, 1), 40000, port}, kSynFlag));
  ASSERT_NE(bench.act(tcp({kOutside, ip4(10, 0, 0, 1), 40000, 99}, kSynFlag)), Verdict::pass);
  for (std::uint8_t group = 0; group < 40; ++group)
    EXPECT_EQ(bench.act(udp({kOutside, ip4(239, 1, 1, group), 5004, 5004})), Verdict::pass);
}

TEST(Multicast, is_no_excuse_for_the_addresses_on_either_side_of_it) {
  for (const std::uint32_t first : {0xdfffff00u, 0xf0000000u, 0xffffff00u}) {
    Bench bench;
    for (std::uint32_t n = 0; n < 40; ++n) bench.act(echo(base::Ip::v4(first + n)));
    EXPECT_EQ(bench.alerts.size(), 1u) << first;
  }
}

TEST(Multicast, is_no_cover_for_a_scan_beside_it) {
  Bench bench;
  for (std::uint16_t port = 1; port < 20; ++port) {
    bench.act(udp({kOutside, ip4(239, 1, 1, 1), 5004, 5004}));
    bench.knock_closed({kOutside, ip4(10, 0, 0, 1), 40000, port});
  }
  EXPECT_EQ(bench.alerts.size(), 1u);
}

}  // namespace
}  // namespace edgesentry::scan
