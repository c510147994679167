// Frames longer than the MTU of the port they leave by (1500 for wires in memory): cut into IPv4
// fragments, or dropped and counted.
#include <gtest/gtest.h>

#include "eal/rig.h"
#include "plane/fragments.h"

namespace edgesentry::test {
namespace {

constexpr std::size_t kUntaggedMax = 1514, kIpHeader = 20;
constexpr std::string_view kClient = "198.51.100.7", kServer = "10.0.0.1";

PacketBuilder datagram(std::size_t payload) {  // without DF
  return PacketBuilder()
      .ip(kClient, kServer)
      .identification(4711)
      .fragment(0, false)
      .udp(5000, 53)
      .payload(payload);
}
std::uint16_t get16(const Bytes& bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes.at(at) << 8 | bytes.at(at + 1));
}
std::uint16_t header_sum(const Bytes& frame, std::size_t at) {  // RFC 1071: 0xffff when right
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < kIpHeader; i += 2) sum += get16(frame, at + i);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}
std::uint64_t too_long(const Rig& rig) {
  return rig.totals().faults[static_cast<std::size_t>(scan::FaultDrop::too_long)];
}

// Puts fragments of one datagram together, as its receiver would, and checks each on the way.
Bytes together(const std::vector<Bytes>& fragments, std::size_t link, const Bytes& whole) {
  Bytes body;
  for (const Bytes& fragment : fragments) {
    EXPECT_LE(fragment.size(), 1500 + link);
    EXPECT_TRUE(std::equal(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(link),
                           fragment.begin()));
    EXPECT_EQ(get16(fragment, link + 2), fragment.size() - link);
    EXPECT_EQ(get16(fragment, link + 4), 4711);
    EXPECT_EQ(header_sum(fragment, link), 0xffff);
    const std::uint16_t field = get16(fragment, link + 6);
    EXPECT_EQ((field & 0x1fff) * 8u, body.size());
    EXPECT_EQ((field & 0x2000) != 0, &fragment != &fragments.back());
    body.insert(body.end(), fragment.begin() + static_cast<std::ptrdiff_t>(link + kIpHeader),
                fragment.end());
  }
  return body;
}
Bytes body_of(const Bytes& frame, std::size_t link) {
  return {frame.begin() + static_cast<std::ptrdiff_t>(link + kIpHeader), frame.end()};
}

TEST(LongFrames, go_on_as_fragments_in_their_place_and_count_as_one_packet) {
  Rig rig;
  const Bytes small = datagram(10).bytes(), large = datagram(1800).bytes();
  for (const Bytes& frame : {small, large, small}) rig.send_outside(frame);
  rig.start();
  ASSERT_TRUE(rig.settles());
  const std::vector<Bytes> left = rig.left_inside();
  ASSERT_EQ(left.size(), 4u);
  EXPECT_EQ(left.front(), small);
  EXPECT_EQ(left.back(), small);
  EXPECT_EQ(together({left[1], left[2]}, 14, large), body_of(large, 14));
  const Totals totals = rig.totals();
  EXPECT_EQ(totals.forwarded, 3u);
  EXPECT_EQ(totals.forwarded_bytes, totals.received_bytes);
}

TEST(LongFrames, keep_their_vlan_tags_on_every_fragment) {
  Rig rig;
  rig.start();
  const Bytes one = datagram(1700).vlan(42).bytes();
  const Bytes two = datagram(1700).vlan(42, 0x88a8).vlan(43).bytes();
  rig.send_outside(one);
  ASSERT_TRUE(rig.settles());
  EXPECT_EQ(together(rig.left_inside(), 18, one), body_of(one, 18));
  rig.send_outside(two);
  ASSERT_TRUE(rig.settles());
  EXPECT_EQ(together(rig.left_inside(), 22, two), body_of(two, 22));
}

TEST(LongFrames, begin_one_byte_behind_mtu_header_and_tags) {
  Rig rig;
  const std::size_t fits = 1500 - kIpHeader - 8;
  const std::vector<Bytes> frames = {datagram(fits).bytes(), datagram(fits).vlan(42).bytes(),
                                     datagram(fits).vlan(42).vlan(43).bytes()};
  ASSERT_EQ(frames[0].size(), kUntaggedMax);
  for (const Bytes& frame : frames) rig.send_outside(frame);
  rig.start();
  ASSERT_TRUE(rig.settles());
  EXPECT_EQ(rig.left_inside(), frames);
  rig.send_outside(datagram(fits + 1).bytes());
  rig.send_outside(datagram(fits + 1).vlan(42).bytes());
  ASSERT_TRUE(rig.settles());
  EXPECT_EQ(rig.left_inside().size(), 4u);
}

TEST(LongFrames, leave_padding_behind_the_datagram_behind) {
  Rig rig;
  const Bytes whole = datagram(1600).bytes();
  Bytes padded = whole;
  padded.resize(padded.size() + 100, 0xee);
  rig.send_outside(padded);
  rig.start();
  ASSERT_TRUE(rig.settles());
  EXPECT_EQ(together(rig.left_inside(), 14, whole), body_of(whole, 14));
}

TEST(LongFrames, that_cannot_be_cut_are_dropped_and_counted) {
  Rig rig;
  Bytes short_of_bytes = datagram(1800).bytes();
  short_of_bytes.resize(1700);
  Bytes broken = datagram(1800).bytes();
  broken[14] = 0x44;  // a header of 16 bytes
  const std::vector<Bytes> frames = {
      PacketBuilder().ip(kClient, kServer).udp(5000, 53).payload(1800).bytes(),  // DF
      PacketBuilder().ip("2001:db8::7", "2001:db8::1").udp(5000, 53).payload(1800).bytes(),
      Bytes(1700, 0x11),
      short_of_bytes,
      broken,
  };
  std::uint64_t bytes = 0;
  for (const Bytes& frame : frames) {
    rig.send_outside(frame);
    bytes += frame.size();
  }
  rig.send_outside_in_two(datagram(1800).bytes(), 900);
  bytes += datagram(1800).bytes().size();
  rig.start();
  ASSERT_TRUE(rig.settles());
  EXPECT_TRUE(rig.left_inside().empty());
  EXPECT_EQ(too_long(rig), frames.size() + 1);
  EXPECT_EQ(rig.totals().dropped_bytes, bytes);
}

TEST(LongFrames, of_which_one_fragment_found_no_room_are_not_forwarded) {
  Rig rig({.wire_capacity = 1});
  const Bytes large = datagram(1800).bytes();
  rig.send_outside(large);
  rig.start();
  ASSERT_TRUE(rig.settles());
  EXPECT_EQ(rig.left_inside().size(), 1u);
  const Totals totals = rig.totals();
  EXPECT_EQ(totals.forwarded, 0u);
  EXPECT_EQ(totals.faults[static_cast<std::size_t>(scan::FaultDrop::transmit_full)], 1u);
  EXPECT_EQ(totals.dropped_bytes, large.size());
}

TEST(LongFrames, give_every_buffer_back) {
  Rig rig;
  rig.start();
  const std::uint32_t before = rig.pool().available();
  for (int i = 0; i < 200; ++i) {
    rig.send_outside(datagram(1800).bytes());
    rig.send_outside(PacketBuilder().ip(kClient, kServer).udp(1, 53).payload(1800).bytes());
  }
  ASSERT_TRUE(rig.settles());
  EXPECT_EQ(rig.left_inside().size(), 400u);
  rig.stop();
  EXPECT_EQ(rig.pool().available(), before);
}

// A packet socket takes one 802.1Q tag on top of the MTU, and no other.
TEST(LongFrames, of_a_packet_socket_pay_for_their_other_tags) {
  Rig rig;
  const nic::FrameRoom room{.untagged = kUntaggedMax, .is_packet_socket = true};
  const auto fragments_of = [&](const PacketBuilder& builder) -> int {
    const Bytes bytes = builder.bytes();
    rte_mbuf* frame = rte_pktmbuf_alloc(rig.pool().get());
    std::copy(bytes.begin(), bytes.end(),
              rte_pktmbuf_append(frame, static_cast<std::uint16_t>(bytes.size())));
    int longest = -1;
    if (!plane::fits(frame, room)) {
      std::array<rte_mbuf*, plane::kFragmentsMax> out{};
      const std::uint16_t made = plane::cut(frame, room, out);
      for (std::uint16_t i = 0; i < made; ++i)
        longest = std::max(longest, static_cast<int>(rte_pktmbuf_pkt_len(out[i])));
      rte_pktmbuf_free_bulk(out.data(), made);
    }
    rte_pktmbuf_free(frame);
    return longest;
  };
  constexpr std::size_t kFull = 1500 - kIpHeader - 8;
  EXPECT_EQ(fragments_of(datagram(kFull).vlan(42)), -1);
  const int two = fragments_of(datagram(kFull).vlan(42).vlan(43));
  EXPECT_GT(two, 0);
  EXPECT_LE(two, 1518);
  const int service = fragments_of(datagram(kFull).vlan(42, 0x88a8));
  EXPECT_GT(service, 0);
  EXPECT_LE(service, 1514);
}

}  // namespace
}  // namespace edgesentry::test
