// A packet inside a packet is told like the same packet outside; what is no tunnel stays what it
// is, because a scan for tunnel endpoints is a scan.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "support/parsed.h"
#include "support/sample_frames.h"

namespace edgesentry::wire {
namespace {

using test::frames::Bytes, test::frames::SampleFrame, test::frames::arp, test::frames::be16,
    test::frames::erspan3, test::frames::ethernet, test::frames::filler, test::frames::fragment,
    test::frames::geneve, test::frames::gre, test::frames::icmp, test::frames::ipv4,
    test::frames::ipv6, test::frames::kSource, test::frames::kTarget, test::frames::mpls,
    test::frames::pppoe, test::frames::sctp, test::frames::syn_options, test::frames::tcp,
    test::frames::tunnel4, test::frames::tunnel6, test::frames::tunnels_with, test::frames::udp,
    test::frames::vxlan, test::frames::operator+;

const Bytes kPacket = ipv4({}, tcp({}));
const Bytes kFrame = ethernet(0x0800) + kPacket;

Bytes over_udp(std::uint16_t port, const Bytes& payload) {
  return tunnel4(17, udp(49152, port, payload));
}

// The same but for what a tunnel adds: the offset in the frame, and the trait.
void expect_same_but_deeper(Probe inner, const Probe& plain, std::size_t deeper) {
  EXPECT_TRUE(inner.traits & trait::kDecapsulated);
  inner.traits &= static_cast<std::uint8_t>(~trait::kDecapsulated);
  if (plain.payload_offset != 0)
    inner.payload_offset = static_cast<std::uint16_t>(inner.payload_offset - deeper);
  EXPECT_EQ(std::memcmp(&inner, &plain, sizeof(plain)), 0);
}

void expect_tunnels_to_tell_what_is_inside(const Bytes& body, std::uint8_t protocol) {
  const Bytes v4 = ipv4({.protocol = protocol, .options = filler(4, 1)}, body);
  const Bytes v6 = ipv6({.next = protocol}, body);
  for (const SampleFrame& sample : tunnels_with(v4, v6, ParseOutcome::tcp)) {
    SCOPED_TRACE(sample.name);
    const Probe inner = parsed(sample.bytes);
    const bool is_v6 = (inner.traits & trait::kIpv6) != 0;
    const Probe plain = parsed(is_v6 ? v6 : v4, LinkType::raw_ip);
    expect_same_but_deeper(inner, plain, sample.bytes.size() - (is_v6 ? v6 : v4).size());
  }
}

TEST(ParseTunnel, tells_the_packet_inside_as_if_it_had_come_alone) {
  expect_tunnels_to_tell_what_is_inside(tcp({.options = syn_options()}) + filler(9), 6);
  expect_tunnels_to_tell_what_is_inside(udp(5000, 161, filler(12)), 17);
  expect_tunnels_to_tell_what_is_inside(icmp(8, 0, filler(8)), 1);
  expect_tunnels_to_tell_what_is_inside(sctp(9, 38412, 1), 132);
  expect_tunnels_to_tell_what_is_inside(filler(8), 103);
  expect_tunnels_to_tell_what_is_inside({}, 103);
}

TEST(ParseTunnel, names_what_is_broken_inside_as_it_names_it_outside) {
  expect_tunnels_to_tell_what_is_inside(tcp({.words = 4}), 6);
  expect_tunnels_to_tell_what_is_inside(tcp({.words = 15}), 6);
  for (std::size_t length = 0; length < 20; ++length) {
    Bytes cut = tcp({});
    cut.resize(length);
    expect_tunnels_to_tell_what_is_inside(cut, 6);
  }
}

TEST(ParseTunnel, names_every_broken_ip_header_inside) {
  const auto inside = [](const Bytes& packet) { return parsed(tunnel4(4, packet)).outcome; };
  EXPECT_EQ(inside(ipv4({.version_and_length = 0x44}, tcp({}))),
            ParseOutcome::bad_ip_header_length);
  EXPECT_EQ(inside(ipv4({.total = 19}, tcp({}))), ParseOutcome::bad_ip_total_length);
  EXPECT_EQ(inside(ipv4({.fragment = 1}, filler(8))), ParseOutcome::later_fragment);
  // Where an ethertype, not the packet, says what is inside, the version may be wrong.
  EXPECT_EQ(parsed(over_udp(4789, vxlan() + ethernet(0x86dd) + ipv4({}, filler(20)))).outcome,
            ParseOutcome::bad_ip_version);
}

// Cut after each byte: the packet shrinks with what it holds, so nothing else is broken.
void expect_named(const std::function<Bytes(const Bytes&)>& wrap, const Bytes& inside,
                  std::size_t needed, ParseOutcome outside) {
  for (std::size_t length = 0; length <= inside.size(); ++length) {
    SCOPED_TRACE(length);
    const Bytes cut(inside.begin(), inside.begin() + static_cast<std::ptrdiff_t>(length));
    const Probe probe = parsed(wrap(cut));
    if (length < needed) {
      EXPECT_EQ(probe.outcome, outside);
      EXPECT_EQ(probe.source, base::Ip::v4(0xc0000201));
      EXPECT_FALSE(probe.traits & trait::kDecapsulated);
    } else {
      EXPECT_TRUE(probe.traits & trait::kDecapsulated);
      EXPECT_NE(probe.source, base::Ip::v4(0xc0000201));
      EXPECT_EQ(probe.outcome, length < needed + 20   ? ParseOutcome::truncated_ip
                               : length < needed + 40 ? ParseOutcome::truncated_transport
                                                      : ParseOutcome::tcp);
    }
  }
}

TEST(ParseTunnel, stays_an_outer_probe_until_something_is_inside) {
  const auto in_udp = [](std::uint16_t port) {
    return [port](const Bytes& body) { return over_udp(port, body); };
  };
  const auto in_ip = [](std::uint8_t protocol) {
    return [protocol](const Bytes& body) { return tunnel4(protocol, body); };
  };
  // Headers of Ethernet are complete or not there; an IP packet begins with its first byte.
  constexpr auto kUdp = ParseOutcome::udp, kOther = ParseOutcome::other_protocol;
  expect_named(in_udp(4789), vxlan() + kFrame, 22, kUdp);
  expect_named(in_udp(8472), vxlan() + kFrame, 22, kUdp);
  expect_named(in_udp(6081), geneve(0x6558, 2) + kFrame, 30, kUdp);
  expect_named(in_ip(47), gre(0x3000, 0x6558) + kFrame, 26, kOther);
  expect_named(in_ip(47), gre(0x1000, 0x88be) + test::frames::erspan2() + kFrame, 30, kOther);
  expect_named(in_ip(47), gre(0x1000, 0x22eb) + erspan3(true) + kFrame, 42, kOther);
}

TEST(ParseTunnel, an_ip_packet_inside_begins_with_its_version) {
  for (int first = 0; first < 256; ++first) {
    const Bytes inside = {static_cast<std::uint8_t>(first)};
    const bool is_v4 = first >> 4 == 4, is_v6 = first >> 4 == 6;
    const auto outcome = [](bool is_right, ParseOutcome outside) {
      return is_right ? ParseOutcome::truncated_ip : outside;
    };
    constexpr auto kOther = ParseOutcome::other_protocol;
    EXPECT_EQ(parsed(tunnel4(4, inside)).outcome, outcome(is_v4, kOther));
    EXPECT_EQ(parsed(tunnel4(41, inside)).outcome, outcome(is_v6, kOther));
    EXPECT_EQ(parsed(tunnel6(47, gre(0, 0x0800) + inside)).outcome, outcome(is_v4, kOther));
    EXPECT_EQ(parsed(over_udp(6081, geneve(0x86dd) + inside)).outcome,
              outcome(is_v6, ParseOutcome::udp));
  }
  for (std::uint8_t protocol : {4, 41, 47})
    EXPECT_EQ(parsed(tunnel4(protocol, {})).target_port, protocol);
}

TEST(ParseTunnel, a_scan_of_tunnel_ports_is_a_scan) {
  for (std::uint16_t port : {4789, 8472, 6081})
    for (const Bytes& payload : {Bytes{}, filler(8), filler(64), filler(64, 0xf7)}) {
      const Probe probe = parsed(over_udp(port, payload));
      EXPECT_EQ(probe.outcome, ParseOutcome::udp);
      EXPECT_EQ(probe.target_port, port);
      EXPECT_EQ(probe.payload_bytes, payload.size());
      EXPECT_EQ(probe.payload_offset, 14 + 20 + 8);
      EXPECT_EQ(probe.source, base::Ip::v4(0xc0000201));
      EXPECT_EQ(probe.traits, 0);
    }
}

TEST(ParseTunnel, near_misses_of_udp_tunnels_stay_udp) {
  const auto is_tunnel = [](const Bytes& frame) {
    const Probe probe = parsed(frame);
    return (probe.traits & trait::kDecapsulated) != 0;
  };
  for (int flags = 0; flags < 256; ++flags)
    EXPECT_EQ(is_tunnel(over_udp(4789, vxlan(static_cast<std::uint8_t>(flags)) + kFrame)),
              (flags & 0x08) != 0);
  for (std::uint8_t version : {0, 1, 2, 3})
    EXPECT_EQ(is_tunnel(over_udp(6081, geneve(0x6558, 1, version) + kFrame)), version == 0);
  EXPECT_FALSE(is_tunnel(over_udp(6081, geneve(0x88cc) + kFrame)));
  for (std::uint16_t port : {4788, 4790, 8471, 8473, 6080, 6082, 53})
    EXPECT_FALSE(is_tunnel(over_udp(port, vxlan() + kFrame)));
  // From the port, not to it; and over TCP.
  EXPECT_FALSE(is_tunnel(tunnel4(17, udp(4789, 49152, vxlan() + kFrame))));
  EXPECT_FALSE(is_tunnel(tunnel4(6, tcp({.to = 4789}) + vxlan() + kFrame)));
}

TEST(ParseTunnel, believes_the_udp_length_about_what_is_inside) {
  Bytes frame = over_udp(4789, vxlan() + kFrame);
  const auto say = [&](std::uint16_t length) {
    std::ranges::copy(be16(length), frame.begin() + 14 + 20 + 4);
    return parsed(frame).outcome;
  };
  EXPECT_EQ(say(8 + 8 + 14 + 40), ParseOutcome::tcp);
  EXPECT_EQ(say(8 + 8 + 14 + 39), ParseOutcome::truncated_transport);
  for (std::uint16_t length : {0, 7, 8, 16, 8 + 8 + 13}) EXPECT_EQ(say(length), ParseOutcome::udp);
}

TEST(ParseTunnel, near_misses_of_gre_stay_their_protocol) {
  const auto outcome = [](const Bytes& body) { return parsed(tunnel4(47, body)).outcome; };
  for (std::uint16_t flag : {0x4000, 0x0800, 0x0400, 0x0001, 0x0002, 0x0004})
    EXPECT_EQ(outcome(gre(flag, 0x0800) + kPacket), ParseOutcome::other_protocol) << flag;
  for (std::uint16_t type : {0x0000, 0x0806, 0x8100, 0x880b, 0x88cc, 0xffff})
    EXPECT_EQ(outcome(gre(0, type) + kPacket), ParseOutcome::other_protocol) << type;
  // RFC 2784 section 2.3: a receiver ignores the bits that are reserved.
  EXPECT_EQ(outcome(gre(0x0378, 0x0800) + kPacket), ParseOutcome::tcp);
  // ERSPAN III of an IP packet without its Ethernet header.
  Bytes header = erspan3(false);
  header[10] = 2 << 2;
  EXPECT_EQ(outcome(gre(0x1000, 0x22eb) + header + kFrame), ParseOutcome::other_protocol);
}

TEST(ParseTunnel, a_fragment_stays_closed) {
  const Bytes in_vxlan = udp(49152, 4789, vxlan() + kFrame);
  EXPECT_EQ(parsed(ethernet(0x0800) + ipv4({.protocol = 17, .fragment = 0x2000}, in_vxlan)).outcome,
            ParseOutcome::udp);
  EXPECT_EQ(parsed(ethernet(0x0800) + ipv4({.protocol = 4, .fragment = 0x2000}, kPacket)).outcome,
            ParseOutcome::other_protocol);
  const auto in_v6 = [](bool more) {
    return parsed(tunnel6(44, fragment(47, 0, more) + gre(0, 0x0800) + kPacket)).outcome;
  };
  EXPECT_EQ(in_v6(true), ParseOutcome::other_protocol);
  EXPECT_EQ(in_v6(false), ParseOutcome::tcp);  // an atomic fragment is a whole packet
}

TEST(ParseTunnel, what_bridges_say_to_each_other_is_not_ip) {
  // Not a probe of port 4789 either: a tunnel's end floods these to all others.
  EXPECT_EQ(parsed(over_udp(4789, vxlan() + ethernet(0x88cc) + filler(46))).outcome,
            ParseOutcome::not_ip);
  const Probe asked = parsed(over_udp(4789, vxlan() + ethernet(0x0806) + arp(1)));
  EXPECT_EQ(asked.outcome, ParseOutcome::arp);
  EXPECT_EQ(asked.source, base::Ip::v4(kSource));
  EXPECT_EQ(asked.target, base::Ip::v4(kTarget));
}

TEST(ParseMpls, names_a_stack_that_ends_early_or_holds_something_else) {
  for (std::size_t length = 0; length < 8; ++length) {
    Bytes stack = mpls(16, false) + mpls(17, true);
    stack.resize(length);
    EXPECT_EQ(parsed(ethernet(0x8847) + stack).outcome, ParseOutcome::truncated_link) << length;
  }
  const auto under_a_label = [](const Bytes& body) {
    return parsed(ethernet(0x8847) + mpls(16, true) + body).outcome;
  };
  EXPECT_EQ(under_a_label({}), ParseOutcome::truncated_ip);
  EXPECT_EQ(under_a_label(filler(4) + kFrame), ParseOutcome::not_ip);  // a control word
  EXPECT_EQ(under_a_label(Bytes{0x45}), ParseOutcome::truncated_ip);
}

TEST(ParsePppoe, lets_everything_but_ip_of_a_session_pass_as_not_ip) {
  const auto outcome = [](const Bytes& body) { return parsed(ethernet(0x8864) + body).outcome; };
  for (std::uint16_t protocol : {0xc021, 0x8021, 0x0281, 0x0000})
    EXPECT_EQ(outcome(pppoe(protocol, kPacket)), ParseOutcome::not_ip);
  for (std::size_t at : {0u, 1u}) {  // version and type, code
    Bytes body = pppoe(0x0021, kPacket);
    body[at] = 0x21;
    EXPECT_EQ(outcome(body), ParseOutcome::not_ip);
  }
  for (std::size_t length = 0; length < 8; ++length) {
    Bytes body = pppoe(0x0021, kPacket);
    body.resize(length);
    EXPECT_EQ(outcome(body), ParseOutcome::truncated_link) << length;
  }
}

TEST(ParsePppoe, believes_the_length_of_the_session_frame) {
  const auto outcome = [](int length) {
    return parsed(ethernet(0x8864) + pppoe(0x0021, kPacket, length)).outcome;
  };
  EXPECT_EQ(outcome(0), ParseOutcome::truncated_link);
  EXPECT_EQ(outcome(1), ParseOutcome::truncated_link);
  EXPECT_EQ(outcome(2 + 19), ParseOutcome::truncated_ip);
  EXPECT_EQ(outcome(2 + 20 + 19), ParseOutcome::truncated_transport);
  EXPECT_EQ(outcome(2 + 20 + 20), ParseOutcome::tcp);
}

}  // namespace
}  // namespace edgesentry::wire
