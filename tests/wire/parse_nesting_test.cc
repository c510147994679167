// However packets are put into packets, one packet costs a bounded number of headers.
#include <gtest/gtest.h>

#include "support/parsed.h"
#include "support/sample_frames.h"

namespace edgesentry::wire {
namespace {

using test::frames::Bytes, test::frames::SampleFrame, test::frames::ethernet,
    test::frames::extension, test::frames::geneve, test::frames::gre, test::frames::ipv4,
    test::frames::ipv6, test::frames::mpls, test::frames::pppoe, test::frames::tcp,
    test::frames::udp, test::frames::vlan, test::frames::vxlan, test::frames::operator+;

const Bytes kPacket = ipv4({}, tcp({}));

ParseOutcome outcome_of(const Bytes& frame) {
  return parsed(frame).outcome;
}

TEST(ParseNesting, counts_the_labels_of_a_stack_and_the_packet_under_it) {
  const auto stack = [](int labels) {
    Bytes frame = ethernet(0x8847);
    for (int i = 1; i <= labels; ++i) frame = frame + mpls(16, i == labels);
    return frame + kPacket;
  };
  EXPECT_EQ(outcome_of(stack(kHeadersMax - 1)), ParseOutcome::tcp);
  EXPECT_EQ(outcome_of(stack(kHeadersMax)), ParseOutcome::too_many_headers);
  EXPECT_EQ(outcome_of(stack(1000)), ParseOutcome::too_many_headers);
}

// Each layer is a tunnel and an IP header; the innermost packet is an IP header more.
template <class Wrap>
void expect_a_limit(const Wrap& wrap) {
  Bytes packet = kPacket;
  for (int layers = 0; layers < 40; ++layers) {
    SCOPED_TRACE(layers);
    EXPECT_EQ(outcome_of(ethernet(0x0800) + packet),
              1 + 2 * layers <= kHeadersMax ? ParseOutcome::tcp : ParseOutcome::too_many_headers);
    packet = wrap(packet);
  }
}

TEST(ParseNesting, counts_every_tunnel_and_every_ip_header) {
  expect_a_limit([](const Bytes& inner) { return ipv4({.protocol = 4}, inner); });
  expect_a_limit(
      [](const Bytes& inner) { return ipv4({.protocol = 47}, gre(0xb000, 0x0800) + inner); });
  expect_a_limit([](const Bytes& inner) {
    return ipv4({.protocol = 17}, udp(1, 4789, vxlan() + ethernet(0x0800) + inner));
  });
  expect_a_limit([](const Bytes& inner) {
    return ipv4({.protocol = 17}, udp(1, 6081, geneve(0x0800, 5) + inner));
  });
}

TEST(ParseNesting, all_layers_pay_out_of_one_purse) {
  // Two tags, a session, IPv6 with extensions, GRE, two labels and a packet are 2+1+1+x+1+2+1.
  const auto tower = [](int extensions) {
    Bytes chain = extensions > 0 ? Bytes{} : gre(0, 0x8847);
    for (int i = 1; i <= extensions; ++i)
      chain = chain + (i < extensions ? extension(60) : extension(47) + gre(0, 0x8847));
    const auto next = static_cast<std::uint8_t>(extensions > 0 ? 60 : 47);
    const Bytes inner = mpls(16, false) + mpls(17, true) + kPacket;
    return ethernet(0x88a8) + vlan(1, 0x8100) + vlan(2, 0x8864) +
           pppoe(0x0057, ipv6({.next = next}, chain + inner));
  };
  // GRE and its first label are two, as are any tunnel and what begins in it.
  EXPECT_EQ(outcome_of(tower(0)), ParseOutcome::tcp);
  EXPECT_EQ(outcome_of(tower(kHeadersMax - 8)), ParseOutcome::tcp);
  EXPECT_EQ(outcome_of(tower(kHeadersMax - 7)), ParseOutcome::too_many_headers);
}

TEST(ParseNesting, tags_inside_count_with_tags_outside) {
  const auto tags = [](int count) {
    Bytes frame = ethernet(count > 0 ? 0x8100 : 0x0800);
    for (int i = 1; i <= count; ++i) frame = frame + vlan(1, i < count ? 0x8100 : 0x0800);
    return frame;
  };
  const auto both = [&](int outside, int inside) {
    return outcome_of(tags(outside) +
                      ipv4({.protocol = 17}, udp(1, 4789, vxlan() + tags(inside) + kPacket)));
  };
  constexpr int kTags = kHeadersMax - 3;  // two IP headers and the tunnel
  for (int outside = 0; outside <= kTags; ++outside) {
    EXPECT_EQ(both(outside, kTags - outside), ParseOutcome::tcp) << outside;
    EXPECT_EQ(both(outside, kTags - outside + 1), ParseOutcome::too_many_headers) << outside;
  }
}

TEST(ParseNesting, every_pair_of_tunnels_is_followed) {
  const auto inner4 = ipv4({.source = 0x01020304}, tcp({.to = 8080}));
  for (const SampleFrame& inner : test::frames::tunnels_with(
           inner4, ipv6({.source = 99}, tcp({.to = 8080})), ParseOutcome::tcp)) {
    const Bytes in_vxlan = ipv4({.protocol = 17}, udp(1, 4789, vxlan() + inner.bytes));
    for (const SampleFrame& outer : test::frames::tunnels_with(
             in_vxlan, ipv6({.next = 17}, udp(1, 4789, vxlan() + inner.bytes)), inner.outcome)) {
      const Probe probe = parsed(outer.bytes);
      EXPECT_EQ(probe.outcome, ParseOutcome::tcp) << outer.name << " " << inner.name;
      EXPECT_EQ(probe.target_port, 8080) << outer.name << " " << inner.name;
    }
  }
}

TEST(ParseNesting, a_tunnel_too_many_leaves_its_packet_to_the_outer_source) {
  const Bytes tunnel = ipv4({.protocol = 4, .source = 0x01020304}, kPacket);
  Bytes frame = ethernet(0x8100);
  for (int tags = 1; tags < kHeadersMax; ++tags)
    frame = frame + vlan(1, tags + 1 < kHeadersMax ? 0x8100 : 0x0800);
  const Probe probe = parsed(frame + tunnel);
  EXPECT_EQ(probe.outcome, ParseOutcome::too_many_headers);
  EXPECT_EQ(probe.source, base::Ip::v4(0x01020304));
  EXPECT_FALSE(probe.traits & trait::kDecapsulated);
}

}  // namespace
}  // namespace edgesentry::wire
