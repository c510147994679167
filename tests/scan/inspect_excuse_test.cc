// Scans that try to pass for answers or for traceroute, and what they imitate.
#include <gtest/gtest.h>

#include "scan/probes.h"

namespace edgesentry::scan {
namespace {

const base::Ip kOutside = ip4(198, 51, 100, 7);
const base::Ip kInside = ip4(10, 0, 0, 1);

base::Ip host(std::uint32_t number) {
  return base::Ip::v4(0x0a000000u + number);
}

Flow from_port(std::uint16_t port, std::uint16_t to, const base::Ip& target = kInside) {
  return {kOutside, target, port, to};
}

wire::Probe with_payload(wire::Probe probe, std::uint16_t bytes) {
  probe.payload_bytes = bytes;
  return probe;
}

wire::Probe with_hops(wire::Probe probe, std::uint8_t hops) {
  probe.ttl = hops;
  return probe;
}

// A datagram that its target refuses.
void send_refused(Bench& bench, const Flow& flow, std::uint16_t payload) {
  if (bench.act(with_payload(udp(flow), payload)) == Verdict::pass) bench.hear(unreachable(flow));
}

void ack_refused(Bench& bench, const Flow& flow, std::uint8_t flags, std::uint16_t payload = 0) {
  if (bench.act(tcp(flow, flags, payload)) == Verdict::pass) bench.hear(tcp(flow.back(), kRstFlag));
}

// --- a service's port as source port -----------------------------------------------------------

TEST(BorrowedPort, empty_datagrams_are_probes_as_from_any_port) {
  Bench bench;
  for (std::uint16_t port = 5000; port < 5006; ++port) send_refused(bench, from_port(53, port), 0);
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(bench.alerts[0].technique, Technique::udp);
  EXPECT_EQ(bench.alerts[0].shape, Shape::vertical);
}

TEST(BorrowedPort, small_datagrams_count_when_one_target_refuses_them_on_many_ports) {
  Bench bench;
  std::uint16_t port = 5000;
  for (; port < 5015; ++port) send_refused(bench, from_port(53, port), 24);
  EXPECT_TRUE(bench.alerts.empty()) << "the first refusal only made a suspect of it";
  send_refused(bench, from_port(53, port), 24);
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(bench.alerts[0].reason, Reason::many_ports);
  EXPECT_EQ(bench.alerts[0].failures, 15u);
  EXPECT_EQ(bench.alerts[0].port_count, 15u);
}

TEST(BorrowedPort, small_datagrams_count_when_many_targets_refuse_them_on_one_port) {
  Bench bench;
  for (std::uint32_t n = 1; n <= 16; ++n) send_refused(bench, from_port(123, 5353, host(n)), 24);
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(bench.alerts[0].shape, Shape::horizontal);
  EXPECT_EQ(bench.alerts[0].reason, Reason::many_targets);
}

TEST(BorrowedPort, an_answer_from_an_open_port_is_no_call) {
  Bench bench;
  const Flow open = from_port(53, 5353);
  bench.act(with_payload(udp(open), 24));
  bench.hear(with_payload(udp(open.back()), 90));
  for (std::uint16_t port = 6000; port < 6020; ++port) send_refused(bench, from_port(53, port), 24);
  EXPECT_EQ(bench.alerts.size(), 1u);
}

TEST(BorrowedPort, a_suspect_is_not_excused_by_an_answer_to_its_probe) {
  Bench bench;
  for (std::uint16_t port = 5000; port < 5004; ++port)
    send_refused(bench, from_port(2000, port), 9);
  bench.act(udp(from_port(2000, 5353)));
  bench.hear(udp(from_port(2000, 5353).back()));
  for (std::uint16_t port = 5004; port < 5008; ++port)
    send_refused(bench, from_port(2000, port), 9);
  EXPECT_EQ(bench.alerts.size(), 1u);
}

TEST(BorrowedPort, ack_and_maimon_scans_are_found_by_their_resets) {
  for (const std::uint8_t flags : {kAckFlag, kFinAck}) {
    Bench bench;
    for (std::uint16_t port = 5000; port < 5020; ++port)
      ack_refused(bench, from_port(80, port), flags);
    ASSERT_EQ(bench.alerts.size(), 1u);
    EXPECT_EQ(bench.alerts[0].technique,
              flags == kAckFlag ? Technique::tcp_ack : Technique::tcp_maimon);
  }
}

TEST(BorrowedPort, a_call_to_a_port_that_was_tried_as_an_answer_counts) {
  Bench bench;
  for (std::uint16_t port = 5000; port < 5006; ++port) {
    ack_refused(bench, from_port(80, port), kAckFlag);
    bench.knock_closed(from_port(80, port));
  }
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(bench.alerts[0].technique, Technique::tcp_syn);
  EXPECT_EQ(bench.alerts[0].reason, Reason::failed_attempts);
}

TEST(BorrowedPort, answers_push_no_evidence_out) {
  Bench bench;
  for (std::uint16_t port = 1; port <= 4; ++port) bench.knock_closed(from_port(40000, port));
  for (std::uint16_t port = 5000; port < 5200; ++port)
    bench.act(tcp(from_port(80, port), kAckFlag));
  EXPECT_TRUE(bench.alerts.empty());
  bench.knock_closed(from_port(40000, 5));
  EXPECT_EQ(bench.alerts.size(), 1u);
}

TEST(Answers, that_come_late_are_refused_and_say_nothing) {
  Bench bench;
  for (std::uint16_t port = 20000; port < 20100; ++port) {
    const Flow query{kInside, kOutside, port, 53};
    bench.hear(udp(query));
    send_refused(bench, query.back(), 60);
  }
  EXPECT_TRUE(bench.alerts.empty());
}

TEST(Answers, of_which_only_one_half_is_seen_say_nothing) {
  Bench bench;
  for (std::uint16_t port = 20000; port < 20500; ++port) {
    bench.act(with_payload(udp(from_port(53, port)), 60));
    bench.act(tcp(from_port(443, port), kAckFlag));
  }
  bench.pass_time(base::seconds(10));
  EXPECT_TRUE(bench.alerts.empty());
}

TEST(Answers, to_a_few_connections_from_before_the_start_say_nothing) {
  Bench bench;
  for (std::uint16_t port = 20000; port < 20014; ++port)
    ack_refused(bench, from_port(443, port), kFinAck);
  const Flow call{kInside, kOutside, 30000, 443};  // the clients come back
  bench.hear(tcp(call, kSynFlag));
  for (std::uint16_t port = 20014; port < 20100; ++port)
    ack_refused(bench, from_port(443, port), kFinAck);
  EXPECT_TRUE(bench.alerts.empty());
}

TEST(Answers, to_forged_requests_say_nothing) {
  Bench bench;
  for (std::uint16_t i = 0; i < 500; ++i) {
    const auto port = static_cast<std::uint16_t>(2000 + i * 101 % 60000);
    send_refused(bench, from_port(53, port), 900);                           // amplified
    ack_refused(bench, from_port(443, port), kSynAck);                       // of a service
    ack_refused(bench, from_port(80, port), kAckFlag, 700);                  // of a middlebox
    send_refused(bench, {ip4(203, 0, 113, 9), host(i), 53, port}, 40);       // of a victim
    ack_refused(bench, {ip4(203, 0, 113, 9), host(i), 80, port}, kAckFlag);  // of a victim
  }
  EXPECT_TRUE(bench.alerts.empty());
}

TEST(Answers, of_which_a_kernel_refuses_only_some_say_nothing) {
  Bench bench;
  for (std::uint16_t i = 0; i < 1000; ++i) {
    const Flow flow = from_port(53, static_cast<std::uint16_t>(2000 + i));
    bench.act(with_payload(udp(flow), 40));
    if (i % 3 == 0) bench.hear(unreachable(flow));
  }
  EXPECT_TRUE(bench.alerts.empty());
}

// --- few hops left -----------------------------------------------------------------------------

TEST(Traceroute, to_some_targets_is_no_sweep) {
  Bench bench;
  for (std::uint8_t hops = 1; hops <= 12; ++hops)
    for (std::uint32_t target = 1; target <= 20; ++target)
      bench.act(with_hops(icmp({kOutside, host(target)}, 8), hops));
  EXPECT_TRUE(bench.alerts.empty());
}

TEST(Traceroute, over_udp_and_icmp_is_no_scan) {
  Bench bench;
  for (std::uint32_t target = 1; target <= 4; ++target)
    for (std::uint16_t step = 0; step < 90; ++step) {
      const Flow flow = from_port(static_cast<std::uint16_t>(40000 + step),
                                  static_cast<std::uint16_t>(33434 + step), host(target));
      const auto hops = static_cast<std::uint8_t>(1 + step / 3);
      bench.act(with_hops(icmp(flow, 8), hops));
      bench.act(with_hops(udp(flow), hops));
      if (step > 20) bench.hear(unreachable(flow));
    }
  bench.pass_time(base::seconds(10));
  EXPECT_TRUE(bench.alerts.empty());
}

// mtr -u: one port after the other for hours, and whoever is reached refuses each.
TEST(Traceroute, that_goes_on_over_all_ports_is_no_scan) {
  Bench bench;
  for (std::uint32_t port = 33000; port <= 65535; port += 3) {
    const Flow flow = from_port(41000, static_cast<std::uint16_t>(port));
    EXPECT_EQ(bench.act(with_hops(udp(flow), 1)), Verdict::pass);
    bench.hear(unreachable(flow));
    bench.pass_time(base::milliseconds(200));
  }
  EXPECT_TRUE(bench.alerts.empty());
}

// tracepath: the n-th hop has port 44443 + n, whatever the target.
TEST(Traceroute, to_twenty_hosts_at_one_port_is_no_sweep) {
  Bench bench;
  for (std::uint32_t target = 1; target <= 20; ++target) {
    const Flow flow = from_port(41000, 44453, host(target));
    bench.act(with_hops(udp(flow), 2));
    bench.hear(unreachable(flow));
  }
  bench.pass_time(base::seconds(10));
  EXPECT_TRUE(bench.alerts.empty());
}

TEST(Traceroute, is_no_cover_for_a_scan_of_ports_below) {
  Bench bench;
  for (std::uint16_t port = 32990; port < 32996; ++port) {
    const Flow flow = from_port(40000, port);
    if (bench.act(with_hops(udp(flow), 20)) == Verdict::pass) bench.hear(unreachable(flow));
  }
  EXPECT_EQ(bench.alerts.size(), 1u);
}

TEST(Traceroute, is_no_cover_for_a_sweep) {
  Bench bench;
  for (std::uint32_t target = 1; target <= 30; ++target)
    bench.act(with_hops(icmp({kOutside, host(target)}, 8), 20));
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(bench.alerts[0].technique, Technique::icmp_echo);
  EXPECT_GE(bench.alerts[0].target_count, 28u) << "twice as many as with all hops";
}

TEST(Traceroute, is_no_cover_for_a_scan_of_its_ports) {
  for (const std::uint16_t first : {33000, 33434, 44444, 65000}) {
    Bench bench;
    for (std::uint16_t n = 0; n < 6; ++n)
      send_refused(bench, from_port(40000, static_cast<std::uint16_t>(first + n)), 0);
    EXPECT_EQ(bench.alerts.size(), 1u) << first;
  }
}

// --- a few UDP ports of many targets that say nothing -------------------------------------------

TEST(Strobe, of_udp_is_found_whatever_its_order_and_rate) {
  constexpr std::uint16_t kPorts[] = {53, 69, 123, 137, 161, 500, 1434, 1900};
  for (const bool by_port : {true, false})
    for (const std::uint32_t gap_ms : {1u, 5000u}) {
      Bench bench;
      for (std::uint32_t i = 0; i < 320 && bench.alerts.empty(); ++i) {
        const std::uint32_t target = by_port ? i % 40 : i / 8;
        bench.act(udp(from_port(40000, kPorts[by_port ? i / 40 : i % 8], host(target))));
        bench.pass_time(base::milliseconds(gap_ms));
      }
      EXPECT_EQ(bench.alerts.size(), 1u) << by_port << ' ' << gap_ms;
    }
}

TEST(Strobe, is_no_peer_that_asks_peers_on_ports_of_their_own) {
  Bench bench;
  for (std::uint32_t i = 0; i < 300; ++i) {
    const auto own = static_cast<std::uint16_t>(i % 3 == 0 ? 6881 : 10000 + i * 137 % 50000);
    bench.act(udp(from_port(6881, own, host(i))));
    bench.pass_time(base::milliseconds(200));
  }
  EXPECT_TRUE(bench.alerts.empty()) << "a third shares a port, and nobody answers";
}

TEST(Strobe, is_no_client_of_which_one_in_five_is_answered) {
  Bench bench;
  for (std::uint32_t i = 0; i < 300; ++i) {
    const Flow flow = from_port(40000, static_cast<std::uint16_t>(27015 + i % 6), host(i));
    bench.act(udp(flow));
    if (i % 5 == 1) bench.hear(udp(flow.back()));
    bench.pass_time(base::seconds(5));
  }
  EXPECT_TRUE(bench.alerts.empty());
}

}  // namespace
}  // namespace edgesentry::scan
