#include "scan/touch.h"

#include <gtest/gtest.h>

#include "scan/probes.h"

namespace edgesentry::scan {
namespace {

const Flow kFlow{ip4(198, 51, 100, 7), ip4(10, 0, 0, 1), 40000, 80};

TEST(Touch, never_holds_a_reset_against_anyone) {
  for (int flags = 0; flags < 256; ++flags)
    if (flags & wire::tcp_flag::kRst) {
      EXPECT_EQ(touch_of(tcp(kFlow, static_cast<std::uint8_t>(flags))).kind, TouchKind::none);
    }
}

TEST(Touch, calls_every_packet_without_syn_ack_and_rst_abnormal) {
  using namespace wire::tcp_flag;
  for (int flags = 0; flags < 256; ++flags)
    if (!(flags & (kRst | kAck | kSyn))) {
      EXPECT_EQ(touch_of(tcp(kFlow, static_cast<std::uint8_t>(flags))).kind, TouchKind::abnormal);
    }
}

TEST(Touch, names_the_techniques_as_nmap_does) {
  using namespace wire::tcp_flag;
  const auto technique = [](std::uint8_t flags) { return touch_of(tcp(kFlow, flags)).technique; };
  EXPECT_EQ(technique(kSyn), Technique::tcp_syn);
  EXPECT_EQ(technique(kFin), Technique::tcp_fin);
  EXPECT_EQ(technique(0), Technique::tcp_null);
  EXPECT_EQ(technique(kFin | kPsh | kUrg), Technique::tcp_xmas);
  EXPECT_EQ(technique(kAck), Technique::tcp_ack);
  EXPECT_EQ(technique(kFin | kAck), Technique::tcp_maimon);
  EXPECT_EQ(technique(kSyn | kAck), Technique::tcp_syn_ack);
  EXPECT_EQ(technique(kSyn | kFin), Technique::tcp_other);
  EXPECT_EQ(technique(kUrg | kPsh), Technique::tcp_other);
}

TEST(Touch, looks_through_congestion_bits) {
  using namespace wire::tcp_flag;
  EXPECT_EQ(touch_of(tcp(kFlow, kSyn | kEce | kCwr)).kind, TouchKind::attempt);
  EXPECT_EQ(touch_of(tcp(kFlow, kEce)).technique, Technique::tcp_null);
}

TEST(Touch, knows_a_kernels_syn_by_timestamps_and_window_scale) {
  wire::Probe probe = tcp(kFlow, kSynFlag);
  probe.traits = wire::trait::kTcpTimestamps;
  EXPECT_EQ(touch_of(probe).technique, Technique::tcp_syn);
  probe.traits |= wire::trait::kTcpWindowScale;
  EXPECT_EQ(touch_of(probe).technique, Technique::tcp_connect);
}

TEST(Touch, sees_requests_but_not_replies_in_icmp) {
  EXPECT_EQ(touch_of(icmp(kFlow, 8)).technique, Technique::icmp_echo);
  EXPECT_EQ(touch_of(icmp(kFlow, 13)).technique, Technique::icmp_timestamp);
  EXPECT_EQ(touch_of(icmp(kFlow, 17)).technique, Technique::icmp_netmask);
  for (const int type : {0, 3, 11, 14, 18, 128, 129})
    EXPECT_EQ(touch_of(icmp(kFlow, static_cast<std::uint8_t>(type))).kind, TouchKind::none) << type;
}

TEST(Touch, takes_a_tcp_header_cut_by_a_first_fragment_as_abnormal) {
  wire::Probe probe = tcp(kFlow, 0);
  probe.outcome = wire::ParseOutcome::truncated_transport;
  EXPECT_EQ(touch_of(probe).kind, TouchKind::none) << "cut by the capture, not by the sender";
  probe.traits = wire::trait::kFragment;
  EXPECT_EQ(touch_of(probe).technique, Technique::fragment);
}

TEST(Touch, knows_the_posture_of_a_server) {
  const Flow from_server{kFlow.target, kFlow.source, 80, 40000};
  EXPECT_TRUE(has_answering_posture(tcp(from_server, kAckFlag), Technique::tcp_ack));
  EXPECT_FALSE(has_answering_posture(tcp(kFlow, kAckFlag), Technique::tcp_ack));
  const Flow backscatter{kFlow.target, kFlow.source, 8443, 5};
  EXPECT_TRUE(has_answering_posture(tcp(backscatter, kSynAck), Technique::tcp_syn_ack));
  EXPECT_FALSE(has_answering_posture(tcp(kFlow, kSynAck), Technique::tcp_syn_ack));
}

TEST(Touch, knows_traceroute) {
  EXPECT_TRUE(is_traceroute(udp({kFlow.source, kFlow.target, 40000, 33434})));
  EXPECT_FALSE(is_traceroute(udp({kFlow.source, kFlow.target, 40000, 33433})));
  wire::Probe echo = icmp(kFlow, 8);
  EXPECT_FALSE(is_traceroute(echo));
  echo.ttl = 5;
  EXPECT_TRUE(is_traceroute(echo));
}

}  // namespace
}  // namespace edgesentry::scan
