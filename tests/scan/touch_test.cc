#include "scan/touch.h"

#include <gtest/gtest.h>

#include "scan/posture.h"
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
  for (const int type : {10, 15, 37, 42})
    EXPECT_EQ(touch_of(icmp(kFlow, static_cast<std::uint8_t>(type))).technique,
              Technique::icmp_other)
        << type;
  for (const int type : {0, 3, 9, 11, 14, 16, 18, 38, 43, 99, 128, 129, 139, 160})
    EXPECT_EQ(touch_of(icmp(kFlow, static_cast<std::uint8_t>(type))).kind, TouchKind::none) << type;
}

TEST(Touch, sees_requests_but_not_replies_and_neighbours_in_icmpv6) {
  const auto touched = [](int type) {
    wire::Probe probe = icmp(kFlow, static_cast<std::uint8_t>(type));
    probe.traits = wire::trait::kIpv6;
    return touch_of(probe);
  };
  EXPECT_EQ(touched(128).technique, Technique::icmp_echo);
  EXPECT_EQ(touched(139).technique, Technique::icmp_other);
  EXPECT_EQ(touched(160).technique, Technique::icmp_other);
  for (const int type : {1, 3, 8, 10, 13, 17, 42, 129, 133, 135, 136, 140, 161})
    EXPECT_EQ(touched(type).kind, TouchKind::none) << type;
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

TEST(Touch, takes_an_empty_datagram_and_a_cookie_for_no_answer) {
  wire::Probe reply = udp({kFlow.source, kFlow.target, 53, 40000});
  EXPECT_TRUE(has_answering_posture(reply, Technique::udp));
  EXPECT_FALSE(has_answering_posture(reply, Technique::sctp_cookie_echo));
  reply.payload_bytes = 0;
  EXPECT_FALSE(has_answering_posture(reply, Technique::udp));
}

TEST(Touch, takes_what_is_small_for_a_possible_probe) {
  const auto is_doubtful = [](const wire::Probe& probe) {
    return may_be_a_probe(probe, touch_of(probe));
  };
  const Flow flow{kFlow.source, kFlow.target, 53, 40000};
  wire::Probe reply = udp(flow);
  reply.payload_bytes = 64;
  EXPECT_TRUE(is_doubtful(reply));
  reply.payload_bytes = 65;
  EXPECT_FALSE(is_doubtful(reply));
  EXPECT_TRUE(is_doubtful(tcp(flow, kAckFlag)));
  EXPECT_TRUE(is_doubtful(tcp(flow, kFinAck)));
  EXPECT_FALSE(is_doubtful(tcp(flow, kAckFlag, 1)));
  EXPECT_FALSE(is_doubtful(tcp(flow, kSynAck)));
}

TEST(Touch, knows_traceroute) {
  const auto with_hops = [](wire::Probe probe, std::uint8_t hops) {
    probe.ttl = hops;
    return probe;
  };
  const wire::Probe step = udp({kFlow.source, kFlow.target, 40000, 33000});
  EXPECT_TRUE(is_traceroute(with_hops(step, 1)));
  EXPECT_TRUE(is_traceroute(with_hops(step, 32)));
  EXPECT_FALSE(is_traceroute(with_hops(step, 33))) << "whoever sends with so many walks nowhere";
  EXPECT_FALSE(is_traceroute(with_hops(udp({kFlow.source, kFlow.target, 40000, 32999}), 1)));
  EXPECT_FALSE(is_traceroute(with_hops(icmp(kFlow, 13), 5))) << "nobody traces with timestamps";
  wire::Probe echo = icmp(kFlow, 8);
  EXPECT_FALSE(is_traceroute(echo));
  echo.ttl = 5;
  EXPECT_TRUE(is_traceroute(echo));
}

}  // namespace
}  // namespace edgesentry::scan
