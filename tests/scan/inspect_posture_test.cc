// Backscatter and reflections from service ports above 1023, active FTP, and scans that look alike.
#include <gtest/gtest.h>

#include <array>
#include <utility>

#include "scan/probes.h"

namespace edgesentry::scan {
namespace {

const base::Ip kOutside = ip4(198, 51, 100, 7);
const base::Ip kInside = ip4(10, 0, 0, 1);

base::Ip host(std::uint32_t number) {
  return base::Ip::v4(0x0a000000u + number);
}

// To a client's port that others forged.
Flow scattered(std::uint16_t port, std::uint32_t n) {
  return {kOutside, host(n % 200), port, static_cast<std::uint16_t>(2000 + n * 101 % 60000)};
}

wire::Probe with_payload(wire::Probe probe, std::uint16_t bytes) {
  probe.payload_bytes = bytes;
  return probe;
}

void send_refused(Bench& bench, const Flow& flow, std::uint16_t payload) {
  if (bench.act(with_payload(udp(flow), payload)) == Verdict::pass) bench.hear(unreachable(flow));
}

void ack_refused(Bench& bench, const Flow& flow, std::uint8_t flags) {
  if (bench.act(tcp(flow, flags)) == Verdict::pass) bench.hear(tcp(flow.back(), kRstFlag));
}

TEST(Backscatter, of_a_service_on_any_port_says_nothing) {
  for (const std::uint16_t port : {1024, 3306, 8443, 32767})
    for (const std::uint8_t flags : {kAckFlag, kFinAck}) {
      Bench bench;
      for (std::uint32_t n = 0; n < 600; ++n) ack_refused(bench, scattered(port, n), flags);
      EXPECT_TRUE(bench.alerts.empty()) << port;
    }
}

TEST(Backscatter, is_no_cover_for_ack_scans) {
  for (const std::uint8_t flags : {kAckFlag, kFinAck}) {
    Bench vertical, horizontal, from_clients_port;
    for (std::uint16_t n = 1; n <= 20; ++n) {
      const auto port = static_cast<std::uint16_t>(5000 + n);
      ack_refused(vertical, {kOutside, kInside, 8443, port}, flags);
      ack_refused(horizontal, {kOutside, host(n), 8443, 5000}, flags);
      if (n <= 6) ack_refused(from_clients_port, {kOutside, kInside, 32768, port}, flags);
    }
    ASSERT_EQ(vertical.alerts.size(), 1u);
    EXPECT_EQ(vertical.alerts[0].reason, Reason::many_ports);
    ASSERT_EQ(horizontal.alerts.size(), 1u);
    EXPECT_EQ(horizontal.alerts[0].reason, Reason::many_targets);
    EXPECT_EQ(from_clients_port.alerts.size(), 1u);
  }
}

TEST(Backscatter, to_low_ports_is_an_ack_scan) {
  Bench bench;
  for (std::uint16_t port = 80; port < 86; ++port)
    ack_refused(bench, {kOutside, kInside, 8443, port}, kAckFlag);
  EXPECT_EQ(bench.alerts.size(), 1u);
}

TEST(Reflection, from_known_ports_says_nothing_however_big) {
  for (const std::uint16_t port : {1434, 1900, 3283, 5060, 11211, 27015, 30120})
    for (const std::uint16_t bytes : {40, 400, 1400}) {
      Bench bench;
      for (std::uint32_t n = 0; n < 600; ++n) send_refused(bench, scattered(port, n), bytes);
      EXPECT_TRUE(bench.alerts.empty()) << port << ' ' << bytes;
    }
}

TEST(Reflection, is_no_cover_for_small_probes_of_one_target) {
  Bench bench;
  for (std::uint16_t port = 6000; port < 6020; ++port)
    send_refused(bench, {kOutside, kInside, 5060, port}, 24);
  EXPECT_EQ(bench.alerts.size(), 1u);
}

TEST(Reflection, comes_neither_from_other_ports_nor_empty) {
  for (const auto& [from, bytes] :
       {std::pair<std::uint16_t, std::uint16_t>{5061, 400}, {5060, 0}}) {
    Bench bench;
    for (std::uint16_t port = 6000; port < 6006; ++port)
      send_refused(bench, {kOutside, kInside, from, port}, bytes);
    EXPECT_EQ(bench.alerts.size(), 1u) << from;
  }
}

TEST(Reflection, is_no_cover_for_who_looks_for_sip_servers) {
  Bench bench;
  for (std::uint32_t n = 1; n <= 20; ++n) send_refused(bench, {kOutside, host(n), 5060, 5060}, 400);
  EXPECT_EQ(bench.alerts.size(), 1u) << "who asks uses the same port";
}

TEST(ActiveFtp, refused_by_the_clients_firewall_is_no_scan) {
  Bench bench;
  bench.hear(tcp({kInside, kOutside, 40000, 21}, kSynFlag));
  for (std::uint16_t port = 50000; port < 50100; ++port)
    EXPECT_EQ(bench.knock_closed({kOutside, kInside, 20, port}), Verdict::pass);
  bench.pass_time(base::seconds(10));
  EXPECT_TRUE(bench.alerts.empty());
}

TEST(ActiveFtp, needs_a_call_to_port_21_and_the_port_of_its_data) {
  for (const auto& [called, from, first] :
       {std::array<std::uint16_t, 3>{80, 20, 50000}, {21, 21, 50000}, {21, 20, 100}}) {
    Bench bench;
    bench.hear(tcp({kInside, kOutside, 40000, called}, kSynFlag));
    for (std::uint16_t n = 0; n < 7; ++n)
      bench.knock_closed({kOutside, kInside, from, static_cast<std::uint16_t>(first + n)});
    EXPECT_EQ(bench.alerts.size(), 1u) << called << ' ' << from << ' ' << first;
  }
}

TEST(Quic, that_a_firewall_drops_is_no_sweep_where_tcp_talks_instead) {
  for (const bool falls_back : {true, false}) {
    Bench bench;
    for (std::uint32_t n = 1; n <= 60; ++n) {
      const Flow site{kOutside, host(n), 40000, 443};
      bench.act(with_payload(udp(site), 1200));
      bench.pass_time(base::milliseconds(300));
      if (falls_back) bench.converse(site);
      bench.pass_time(base::seconds(2));
    }
    EXPECT_EQ(bench.alerts.empty(), falls_back);
  }
}

TEST(Quic, is_no_cover_for_other_ports_of_a_host_that_talks) {
  Bench bench;
  bench.converse({kOutside, kInside, 40000, 443});
  for (std::uint16_t port = 5000; port < 5040; ++port) {
    bench.act(udp({kOutside, kInside, 41000, port}));
    bench.pass_time(base::milliseconds(300));
  }
  EXPECT_EQ(bench.alerts.size(), 1u);
}

}  // namespace
}  // namespace edgesentry::scan
