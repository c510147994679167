// One worker over wires in memory: what goes in, comes out, is dropped, and is counted.
#include <gtest/gtest.h>
#include <pcap/pcap.h>
#include <rte_dev.h>

#include <algorithm>

#include "eal/rig.h"
#include "support/capture_writer.h"
#include "support/scratch.h"

namespace edgesentry::test {
namespace {

namespace tcp_flag = wire::tcp_flag;
constexpr std::string_view kServer = "10.0.0.1";

Bytes syn(std::string_view source, std::uint16_t port) {
  return PacketBuilder().ip(source, kServer).tcp(40'000, port, tcp_flag::kSyn).bytes();
}
Bytes arp() {
  Bytes frame(12, 0xff);
  put16(frame, 0x0806);
  frame.insert(frame.end(), {0, 1, 8, 0, 6, 4, 0, 1});  // RFC 826: Ethernet, IPv4, request
  frame.resize(60, 1);
  return frame;
}
base::Ip ip(std::string_view text) {
  return *base::Ip::parse(text);
}

TEST(Worker, forwards_every_frame_unchanged_and_in_order_both_ways) {
  Rig rig;
  std::vector<Bytes> in, out;
  for (std::uint16_t i = 0; i < 300; ++i) {
    in.push_back(PacketBuilder().ip("198.51.100.7", kServer).udp(5000, 53).payload(i).bytes());
    out.push_back(PacketBuilder().ip(kServer, "198.51.100.7").udp(53, 5000).payload(i).bytes());
  }
  for (const Bytes& frame : in) rig.send_outside(frame);
  for (const Bytes& frame : out) rig.send_inside(frame);
  rig.start();
  ASSERT_TRUE(rig.settles());
  EXPECT_EQ(rig.left_inside(), in);
  EXPECT_EQ(rig.left_outside(), out);
}

TEST(Worker, forwards_what_is_not_ip_and_what_is_broken) {
  Rig rig;
  std::vector<Bytes> frames = {arp(), Bytes(14, 0x01), Bytes(1, 0xab)};
  const Bytes whole = syn("198.51.100.7", 22);
  for (std::size_t size : {13u, 20u, 33u, 40u, 50u})
    frames.emplace_back(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
  rig.start();
  for (const Bytes& frame : frames) rig.send_outside(frame);
  ASSERT_TRUE(rig.settles());
  EXPECT_EQ(rig.left_inside(), frames);
  const Totals totals = rig.totals();
  EXPECT_EQ(totals.parsed[static_cast<std::size_t>(wire::ParseOutcome::arp)], 1u);
  std::uint64_t parsed = 0;
  for (const std::uint64_t count : totals.parsed) parsed += count;
  EXPECT_EQ(parsed, frames.size());
}

TEST(Worker, drops_a_blocked_source_and_nobody_else_until_it_is_lifted) {
  Rig rig;
  rig.start();
  rig.order({.source = ip("198.51.100.66"), .kind = scan::OrderKind::block});
  // Orders are obeyed within a housekeeping round; the gauge shows when.
  ASSERT_TRUE(eventually([&] { return rig.plane().tallies()[0]->blocked_sources.value() == 1; }));
  rig.send_outside(syn("198.51.100.66", 80));
  rig.send_outside(syn("198.51.100.67", 80));
  rig.send_inside(PacketBuilder().ip(kServer, "198.51.100.66").udp(53, 5000).bytes());
  ASSERT_TRUE(rig.settles());
  EXPECT_EQ(rig.left_inside(), std::vector<Bytes>{syn("198.51.100.67", 80)});
  EXPECT_EQ(rig.left_outside().size(), 1u);
  EXPECT_EQ(rig.totals().dropped_verdict, 1u);

  rig.order({.source = ip("198.51.100.66"), .kind = scan::OrderKind::lift});
  ASSERT_TRUE(eventually([&] { return rig.plane().tallies()[0]->blocked_sources.value() == 0; }));
  rig.send_outside(syn("198.51.100.66", 80));
  ASSERT_TRUE(rig.settles());
  EXPECT_EQ(rig.left_inside().size(), 1u);
}

TEST(Worker, lets_nothing_of_a_scanner_through_from_the_deciding_packet_on) {
  Rig rig;
  rig.start();
  constexpr std::uint16_t kProbes = 500;
  for (std::uint16_t port = 1; port <= kProbes; ++port) {
    rig.send_outside(syn("198.51.100.66", port));
    rig.send_outside(syn("198.51.100.7", 443));
  }
  ASSERT_TRUE(rig.settles());
  const std::vector<Bytes> left = rig.left_inside();
  // What reached the server is the beginning of the scan without a gap, then silence.
  std::uint16_t reached = 0;
  std::size_t innocent = 0;
  for (const Bytes& frame : left) {
    if (frame == syn("198.51.100.7", 443))
      ++innocent;
    else
      ASSERT_EQ(frame, syn("198.51.100.66", ++reached));
  }
  EXPECT_EQ(innocent, kProbes);
  EXPECT_GT(reached, 0);
  EXPECT_LT(reached, 40);
  EXPECT_EQ(rig.totals().dropped_verdict, static_cast<std::uint64_t>(kProbes - reached));
  const std::vector<scan::Alert> alerts = rig.alerts();
  ASSERT_FALSE(alerts.empty());
  EXPECT_EQ(alerts.front().source, ip("198.51.100.66"));
  EXPECT_EQ(alerts.front().kind, scan::AlertKind::decision);
  EXPECT_TRUE(alerts.front().dropping);
}

TEST(Worker, only_watches_in_observe_mode) {
  Rig rig({.enforce = false});
  rig.start();
  for (std::uint16_t port = 1; port <= 500; ++port) rig.send_outside(syn("198.51.100.66", port));
  ASSERT_TRUE(rig.settles());
  EXPECT_EQ(rig.left_inside().size(), 500u);
  ASSERT_FALSE(rig.alerts().empty());
}

TEST(Worker, adopts_a_new_policy_while_it_runs) {
  Rig rig({.enforce = false});
  rig.start();
  auto next = std::make_unique<scan::DetectionPolicy>(test_policy(true));
  next->generation = 7;
  rig.policy().publish(std::move(next));
  ASSERT_TRUE(eventually([&] { return rig.plane().tallies()[0]->policy_generation.value() == 7; }));
  EXPECT_TRUE(eventually([&] { return rig.policy().reclaim() == 0; }));
  for (std::uint16_t port = 1; port <= 100; ++port) rig.send_outside(syn("198.51.100.66", port));
  ASSERT_TRUE(rig.settles());
  EXPECT_LT(rig.left_inside().size(), 100u);
}

TEST(Worker, reads_a_packet_that_comes_in_two_buffers) {
  Rig rig;
  const Bytes frame = syn("198.51.100.7", 22);
  rig.start();
  for (const std::size_t cut : {1u, 14u, 20u, 34u, 53u}) rig.send_outside_in_two(frame, cut);
  ASSERT_TRUE(rig.settles());
  EXPECT_EQ(rig.totals().parsed[static_cast<std::size_t>(wire::ParseOutcome::tcp)], 5u);
  EXPECT_EQ(rig.left_inside(), std::vector<Bytes>(5, frame));
  EXPECT_EQ(rig.totals().forwarded_bytes, 5 * frame.size());
}

TEST(Worker, consumes_what_a_tap_sees_and_finds_the_scanner_in_it) {
  Rig rig({.is_tap = true});
  rig.start();
  for (std::uint16_t port = 1; port <= 100; ++port) {
    rig.send_outside(syn("198.51.100.66", port));
    rig.send_outside(PacketBuilder()
                         .ip(kServer, "198.51.100.66")
                         .tcp(port, 40'000, tcp_flag::kRst | tcp_flag::kAck)
                         .bytes());
  }
  ASSERT_TRUE(rig.settles());
  EXPECT_EQ(rig.totals().faults[static_cast<std::size_t>(scan::FaultDrop::consumed)], 200u);
  EXPECT_EQ(rig.totals().forwarded, 0u);
  EXPECT_TRUE(rig.left_outside().empty());
  const std::vector<scan::Alert> alerts = rig.alerts();
  ASSERT_FALSE(alerts.empty());
  EXPECT_EQ(alerts.front().source, ip("198.51.100.66"));
}

// The whole way through files: what net_pcap reads, it writes again on the other side.
TEST(Worker, forwards_a_capture_file_into_a_capture_file) {
  const Scratch scratch;
  CaptureWriter capture;
  for (std::uint16_t i = 0; i < 200; ++i)
    capture.add({i * 1000u}, PacketBuilder().ip("198.51.100.7", kServer).udp(i, 53).bytes());
  const std::string from = scratch.write("in.pcap", capture.bytes());
  const std::string to = scratch.path() + "/out.pcap";
  ASSERT_EQ(rte_eal_hotplug_add("vdev", "net_pcap_in", ("rx_pcap=" + from).c_str()), 0);
  ASSERT_EQ(
      rte_eal_hotplug_add("vdev", "net_pcap_out", ("rx_pcap=" + from + ",tx_pcap=" + to).c_str()),
      0);
  {
    auto pool = nic::PacketPool::make(4095, 2048 + nic::kHeadroom);
    ASSERT_TRUE(pool.ok());
    std::vector<nic::Port> ports;
    for (const auto& [device, side] : {std::pair{"net_pcap_in", nic::Side::outside},
                                       std::pair{"net_pcap_out", nic::Side::inside}}) {
      auto port = nic::Port::open({.device = device, .label = device, .side = side}, pool.value());
      ASSERT_TRUE(port.ok()) << port.error().text;
      ports.push_back(std::move(port).value());
    }
    base::Published<scan::DetectionPolicy> policy(
        1, std::make_unique<const scan::DetectionPolicy>(test_policy(false)));
    const std::uint32_t lcore = rte_get_next_lcore(-1, 1, 0);
    plane::PlaneSettings settings;
    settings.table.sources = 1u << 14;
    auto plane = plane::Plane::build(settings, ports, {&lcore, 1}, policy);
    ASSERT_TRUE(plane.ok());
    ASSERT_TRUE(plane.value()->start().ok());
    const scan::Tally& tally = *plane.value()->tallies()[0];
    ASSERT_TRUE(eventually([&] { return tally.forwarded_packets.value() == 400; }));
    plane.value()->stop();
    EXPECT_EQ(ports[0].stats().rx_packets, 200u);
    EXPECT_EQ(ports[1].stats().tx_packets, 200u);
  }
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  pcap_t* written = pcap_open_offline(to.c_str(), error.data());
  ASSERT_NE(written, nullptr) << error.data();
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  for (std::uint16_t i = 0; i < 200; ++i) {
    ASSERT_EQ(pcap_next_ex(written, &header, &bytes), 1);
    EXPECT_EQ(Bytes(bytes, bytes + header->caplen),
              PacketBuilder().ip("198.51.100.7", kServer).udp(i, 53).bytes());
  }
  EXPECT_EQ(pcap_next_ex(written, &header, &bytes), PCAP_ERROR_BREAK);
  pcap_close(written);
}

}  // namespace
}  // namespace edgesentry::test
