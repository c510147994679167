#include <gtest/gtest.h>

#include "support/parsed.h"

namespace edgesentry::wire {
namespace {

using test::frames::Bytes, test::frames::be16, test::frames::ethernet, test::frames::filler,
    test::frames::ipv4, test::frames::sctp, test::frames::tcp, test::frames::udp,
    test::frames::operator+;

Probe over_v4(std::uint8_t protocol, const Bytes& body) {
  return parsed(ethernet(0x0800) + ipv4({.protocol = protocol}, body));
}
Probe syn_with(const Bytes& options) {
  return over_v4(6, tcp({.options = options}));
}

TEST(ParseTcp, reads_its_fields) {
  const Probe probe = over_v4(6, tcp({}) + filler(9));
  EXPECT_EQ(probe.source_port, 40000);
  EXPECT_EQ(probe.target_port, 22);
  EXPECT_EQ(probe.sequence, 0x01020304u);
  EXPECT_EQ(probe.acknowledgement, 0x05060708u);
  EXPECT_EQ(probe.window, 1024);
  EXPECT_EQ(probe.payload_bytes, 9);
  EXPECT_EQ(probe.payload_offset, 14 + 20 + 20);
}

TEST(ParseTcp, hands_on_all_256_flag_bytes) {
  for (int flags = 0; flags < 256; ++flags) {
    const Probe probe = over_v4(6, tcp({.flags = static_cast<std::uint8_t>(flags)}));
    EXPECT_EQ(probe.outcome, ParseOutcome::tcp);
    EXPECT_EQ(probe.tcp_flags, flags);
  }
}

TEST(ParseTcp, names_a_header_length_that_cannot_be) {
  for (int words = 0; words < 5; ++words)
    EXPECT_EQ(over_v4(6, tcp({.words = words})).outcome, ParseOutcome::bad_tcp_header_length);
  // Longer than the packet: 15 words in a packet that holds five.
  EXPECT_EQ(over_v4(6, tcp({.words = 15})).outcome, ParseOutcome::bad_tcp_header_length);
  EXPECT_EQ(over_v4(6, tcp({.options = filler(40, 1)})).outcome, ParseOutcome::tcp);
}

TEST(ParseTcp, a_tiny_first_fragment_still_names_its_port) {
  for (std::size_t length = 0; length < 20; ++length) {
    Bytes header = tcp({.to = 3389});
    header.resize(length);
    const Probe probe = over_v4(6, header);
    EXPECT_EQ(probe.outcome, ParseOutcome::truncated_transport) << length;
    EXPECT_EQ(probe.target_port, length >= 4 ? 3389 : 0) << length;
  }
}

TEST(ParseTcp, reads_the_options_of_a_syn) {
  EXPECT_EQ(syn_with({2, 4, 5, 0xb4}).traits, trait::kTcpMss);
  EXPECT_EQ(syn_with({1, 3, 3, 7}).traits, trait::kTcpWindowScale);
  EXPECT_EQ(syn_with(Bytes{1, 1, 8, 10} + filler(8)).traits, trait::kTcpTimestamps);
  EXPECT_EQ(syn_with({1, 1, 1, 0}).traits, 0);
  // What follows the end of the list is not an option.
  EXPECT_EQ(syn_with({0, 0, 0, 0, 2, 4, 5, 0xb4}).traits, 0);
}

TEST(ParseTcp, does_not_read_options_of_other_segments) {
  const Probe probe = over_v4(6, tcp({.flags = 0x10, .options = {2, 4, 5, 0xb4}}));
  EXPECT_EQ(probe.outcome, ParseOutcome::tcp);
  EXPECT_EQ(probe.traits, 0);
}

TEST(ParseTcp, stops_at_options_with_bad_lengths) {
  for (int kind = 2; kind < 256; ++kind)
    for (int length : {0, 1}) {
      const Bytes bad = {static_cast<std::uint8_t>(kind), static_cast<std::uint8_t>(length), 1, 1};
      const Probe probe = syn_with(bad + Bytes{2, 4, 5, 0xb4});
      EXPECT_EQ(probe.outcome, ParseOutcome::tcp);
      EXPECT_EQ(probe.traits, 0) << kind << " " << length;
    }
  // A length beyond the header ends the list, and its option counts as seen.
  EXPECT_EQ(syn_with({2, 255, 0, 0, 3, 3, 7, 0}).traits, trait::kTcpMss);
  // The last byte is a kind without its length.
  EXPECT_EQ(syn_with({1, 1, 1, 2}).traits, 0);
}

TEST(ParseTcp, reads_only_the_options_that_arrived) {
  Bytes frame = ethernet(0x0800) + ipv4({}, tcp({.options = {2, 4, 5, 0xb4, 1, 3, 3, 7}}));
  frame.resize(frame.size() - 4);
  const Probe probe = parsed(frame);
  EXPECT_EQ(probe.outcome, ParseOutcome::tcp);
  EXPECT_EQ(probe.traits, trait::kTcpMss);
  // The payload would start behind what was captured: the offset stays inside the frame.
  EXPECT_EQ(probe.payload_offset, frame.size());
}

TEST(ParseUdp, reads_its_fields) {
  const Probe probe = over_v4(17, udp(5353, 161, filler(30)));
  EXPECT_EQ(probe.outcome, ParseOutcome::udp);
  EXPECT_EQ(probe.source_port, 5353);
  EXPECT_EQ(probe.target_port, 161);
  EXPECT_EQ(probe.payload_bytes, 30);
  EXPECT_EQ(probe.payload_offset, 14 + 20 + 8);
  EXPECT_EQ(over_v4(17, udp(1, 2)).payload_bytes, 0);
}

TEST(ParseUdp, a_cut_header_names_what_it_has) {
  const Probe probe = over_v4(17, be16(1) + be16(161));
  EXPECT_EQ(probe.outcome, ParseOutcome::truncated_transport);
  EXPECT_EQ(probe.target_port, 161);
  EXPECT_EQ(over_v4(17, be16(1)).target_port, 0);
}

TEST(ParseSctp, tells_the_first_chunk) {
  for (std::uint8_t chunk : {0, 1, 10, 255}) {
    const Probe probe = over_v4(132, sctp(9, 38412, chunk));
    EXPECT_EQ(probe.outcome, ParseOutcome::sctp);
    EXPECT_EQ(probe.icmp_type, chunk);
    EXPECT_EQ(probe.target_port, 38412);
  }
}

TEST(ParseSctp, needs_a_chunk) {
  Bytes header = sctp(9, 38412, 1);
  header.resize(12);
  const Probe probe = over_v4(132, header);
  EXPECT_EQ(probe.outcome, ParseOutcome::truncated_transport);
  EXPECT_EQ(probe.target_port, 38412);
}

}  // namespace
}  // namespace edgesentry::wire
