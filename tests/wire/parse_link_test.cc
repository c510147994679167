#include <gtest/gtest.h>

#include "support/parsed.h"

namespace edgesentry::wire {
namespace {

using test::frames::Bytes, test::frames::arp, test::frames::bsd_null, test::frames::ethernet,
    test::frames::filler, test::frames::ipv4, test::frames::kSource, test::frames::kTarget,
    test::frames::sll, test::frames::sll2, test::frames::tcp, test::frames::vlan,
    test::frames::operator+;

const Bytes kPacket = ipv4({}, tcp({}));
const base::Ip kFrom = base::Ip::v4(kSource), kTo = base::Ip::v4(kTarget);

TEST(ParseLink, follows_vlan_and_qinq_tags_to_the_addresses) {
  for (std::uint16_t outer : {0x8100, 0x88a8, 0x9100}) {
    const Probe probe = parsed(ethernet(outer) + vlan(100, 0x8100) + vlan(200, 0x0800) + kPacket);
    EXPECT_EQ(probe.outcome, ParseOutcome::tcp) << outer;
    EXPECT_EQ(probe.source, kFrom);
    EXPECT_EQ(probe.target, kTo);
    EXPECT_EQ(probe.payload_offset, 14 + 8 + 20 + 20);
  }
}

TEST(ParseLink, gives_up_on_a_tower_of_tags) {
  // kHeadersMax counts the IP header as well.
  const auto tower = [](int tags) {
    Bytes frame = ethernet(tags > 0 ? 0x8100 : 0x0800);
    for (int i = 1; i <= tags; ++i) frame = frame + vlan(1, i < tags ? 0x8100 : 0x0800);
    return frame + kPacket;
  };
  EXPECT_EQ(parsed(tower(kHeadersMax - 1)).outcome, ParseOutcome::tcp);
  EXPECT_EQ(parsed(tower(kHeadersMax)).outcome, ParseOutcome::too_many_headers);
}

TEST(ParseLink, names_a_frame_that_ends_in_its_link_header) {
  for (std::size_t length = 0; length < 14; ++length)
    EXPECT_EQ(parsed(Bytes(length, 0)).outcome, ParseOutcome::truncated_link) << length;
  EXPECT_EQ(parsed(ethernet(0x8100)).outcome, ParseOutcome::truncated_link);
  EXPECT_EQ(parsed(ethernet(0x8100) + Bytes{0, 1, 8}).outcome, ParseOutcome::truncated_link);
  EXPECT_EQ(parsed(filler(15), LinkType::linux_sll).outcome, ParseOutcome::truncated_link);
  EXPECT_EQ(parsed(filler(19), LinkType::linux_sll2).outcome, ParseOutcome::truncated_link);
  EXPECT_EQ(parsed(filler(3), LinkType::bsd_null).outcome, ParseOutcome::truncated_link);
  EXPECT_EQ(parsed({}, LinkType::raw_ip).outcome, ParseOutcome::truncated_ip);
}

TEST(ParseLink, lets_other_ethertypes_pass_as_not_ip) {
  for (std::uint16_t type : {0x88cc, 0x0026, 0x8863, 0xffff})
    EXPECT_EQ(parsed(ethernet(type) + filler(46)).outcome, ParseOutcome::not_ip) << type;
}

TEST(ParseLink, ignores_ethernet_padding) {
  // 40 bytes of packet in a frame of 60: the 6 behind them are no payload.
  const Probe probe = parsed(ethernet(0x0800) + kPacket + filler(6, 0xff));
  EXPECT_EQ(probe.outcome, ParseOutcome::tcp);
  EXPECT_EQ(probe.payload_bytes, 0);
}

TEST(ParseLink, padding_does_not_complete_a_truncated_packet) {
  // The IP header says 24 bytes: four of TCP. What follows is padding, not the rest of TCP.
  const Bytes tiny = ipv4({.total = 24}, tcp({}));
  EXPECT_EQ(parsed(ethernet(0x0800) + tiny).outcome, ParseOutcome::truncated_transport);
}

TEST(ParseLink, reads_raw_ip_and_bsd_null_by_the_version) {
  EXPECT_EQ(parsed(kPacket, LinkType::raw_ip).source, kFrom);
  EXPECT_EQ(parsed(bsd_null(0x99) + kPacket, LinkType::bsd_null).source, kFrom);
  EXPECT_EQ(parsed(Bytes{0x00} + filler(39), LinkType::raw_ip).outcome,
            ParseOutcome::bad_ip_version);
  EXPECT_EQ(parsed(bsd_null(2) + Bytes{0x50} + filler(39), LinkType::bsd_null).outcome,
            ParseOutcome::bad_ip_version);
}

TEST(ParseLink, reads_cooked_captures) {
  EXPECT_EQ(parsed(sll(0x0800) + kPacket, LinkType::linux_sll).source, kFrom);
  EXPECT_EQ(parsed(sll2(0x0800) + kPacket, LinkType::linux_sll2).source, kFrom);
  EXPECT_EQ(parsed(sll(0x8100) + vlan(5, 0x0800) + kPacket, LinkType::linux_sll).target, kTo);
}

TEST(ParseArp, tells_who_asks_for_whom) {
  const Probe probe = parsed(ethernet(0x0806) + arp(1) + filler(18));
  EXPECT_EQ(probe.outcome, ParseOutcome::arp);
  EXPECT_EQ(probe.icmp_type, 1);
  EXPECT_EQ(probe.source, kFrom);
  EXPECT_EQ(probe.target, kTo);
}

TEST(ParseArp, leaves_other_hardware_and_short_ones_alone) {
  Bytes other = arp(1);
  other[1] = 6;
  EXPECT_EQ(parsed(ethernet(0x0806) + other).outcome, ParseOutcome::not_ip);
  Bytes longer_address = arp(1);
  longer_address[5] = 16;
  EXPECT_EQ(parsed(ethernet(0x0806) + longer_address).outcome, ParseOutcome::not_ip);
  Bytes cut = arp(1);
  cut.pop_back();
  EXPECT_EQ(parsed(ethernet(0x0806) + cut).outcome, ParseOutcome::truncated_link);
}

}  // namespace
}  // namespace edgesentry::wire
