#include <gtest/gtest.h>

#include <algorithm>

#include "support/parsed.h"
#include "wire/fragment.h"

namespace edgesentry::wire {
namespace {

using test::frames::Bytes, test::frames::Ipv4, test::frames::Ipv6, test::frames::authentication,
    test::frames::ethernet, test::frames::extension, test::frames::filler, test::frames::fragment,
    test::frames::ipv4, test::frames::ipv6, test::frames::kSource, test::frames::kTarget,
    test::frames::tcp, test::frames::udp, test::frames::operator+;

Probe v4(const Ipv4& header, const Bytes& body) {
  return parsed(ethernet(0x0800) + ipv4(header, body));
}
Probe v6(const Ipv6& header, const Bytes& body) {
  return parsed(ethernet(0x86dd) + ipv6(header, body));
}
base::Ip documentation_address(std::uint8_t last) {
  std::array<std::uint8_t, 16> bytes{0x20, 0x01, 0x0d, 0xb8};
  bytes[15] = last;
  return base::Ip::from_bytes(bytes);
}

TEST(ParseIpv4, reads_its_fields) {
  const Probe probe = v4({.fragment = 0x4000}, tcp({}));
  EXPECT_EQ(probe.outcome, ParseOutcome::tcp);
  EXPECT_EQ(probe.source, base::Ip::v4(kSource));
  EXPECT_EQ(probe.target, base::Ip::v4(kTarget));
  EXPECT_EQ(probe.identification, 0x1234);
  EXPECT_EQ(probe.ttl, 57);
  EXPECT_EQ(probe.protocol, 6);
  EXPECT_EQ(probe.traits, trait::kDontFragment);
}

TEST(ParseIpv4, finds_the_transport_behind_options_of_every_length) {
  for (std::size_t words = 0; words <= 10; ++words) {
    const Probe probe = v4({.options = filler(words * 4, 1)}, tcp({.to = 8080}));
    EXPECT_EQ(probe.outcome, ParseOutcome::tcp) << words;
    EXPECT_EQ(probe.target_port, 8080) << words;
    EXPECT_EQ(probe.traits, words > 0 ? trait::kIpOptions : 0) << words;
  }
}

TEST(ParseIpv4, names_each_way_a_header_can_lie) {
  EXPECT_EQ(v4({.version_and_length = 0x65}, tcp({})).outcome, ParseOutcome::bad_ip_version);
  for (int words = 0; words < 5; ++words)
    EXPECT_EQ(v4({.version_and_length = 0x40 | words}, tcp({})).outcome,
              ParseOutcome::bad_ip_header_length)
        << words;
  EXPECT_EQ(v4({.total = 19}, tcp({})).outcome, ParseOutcome::bad_ip_total_length);
  EXPECT_EQ(v4({.options = filler(4), .total = 23}, tcp({})).outcome,
            ParseOutcome::bad_ip_total_length);
  EXPECT_EQ(v4({.version_and_length = 0x4f, .total = 60}, filler(39)).outcome,
            ParseOutcome::truncated_ip);
}

TEST(ParseIpv4, reads_what_a_capture_kept_of_a_longer_packet) {
  const Probe probe = v4({.total = 1500}, tcp({.flags = 0x18}));
  EXPECT_EQ(probe.outcome, ParseOutcome::tcp);
  EXPECT_EQ(probe.payload_bytes, 1460);
}

TEST(ParseIpv4, tells_first_and_later_fragments) {
  const Probe first = v4({.fragment = 0x2000}, tcp({}));
  EXPECT_EQ(first.outcome, ParseOutcome::tcp);
  EXPECT_EQ(first.traits, trait::kFragment);
  const Probe later = v4({.fragment = 0x0001}, filler(24));
  EXPECT_EQ(later.outcome, ParseOutcome::later_fragment);
  EXPECT_EQ(later.traits, trait::kFragment);
  EXPECT_EQ(later.target_port, 0);
  EXPECT_EQ(later.payload_bytes, 24);
  EXPECT_EQ(v4({.fragment = 0x1fff}, filler(24)).outcome, ParseOutcome::later_fragment);
}

TEST(ParseIpv4, tells_what_part_of_a_datagram_a_fragment_is) {
  const FragmentSpan first = fragment_span(v4({.fragment = 0x2000}, tcp({}) + filler(1460)));
  EXPECT_EQ(first.begin, 0);
  EXPECT_EQ(first.end, 185);
  EXPECT_TRUE(first.more);
  const FragmentSpan jumbo = fragment_span(v4({.fragment = 0x2000}, udp(1, 2) + filler(8960)));
  EXPECT_EQ(jumbo.end, 1121);
  const FragmentSpan middle = fragment_span(v4({.fragment = 0x20b9}, filler(1480)));
  EXPECT_EQ(middle.begin, 185);
  EXPECT_EQ(middle.end, 370);
  EXPECT_TRUE(middle.more);
  const FragmentSpan last = fragment_span(v4({.fragment = 0x1fff}, filler(9)));
  EXPECT_EQ(last.begin, 0x1fff);
  EXPECT_EQ(last.end, 0x2001);
  EXPECT_FALSE(last.more);
  EXPECT_EQ(fragment_span(v4({.fragment = 0x2000}, filler(16))).end, 2) << "a cut header";
  const Bytes echo = Bytes{8, 0, 0, 0, 0, 1, 0, 1} + filler(1472);
  EXPECT_EQ(fragment_span(v4({.protocol = 1, .fragment = 0x2000}, echo)).end, 185);
}

TEST(ParseIpv4, gives_every_other_protocol_its_number) {
  for (int number = 0; number < 256; ++number) {
    if (number == 1 || number == 6 || number == 17 || number == 58 || number == 132) continue;
    const Probe probe = v4({.protocol = static_cast<std::uint8_t>(number)}, filler(12));
    EXPECT_EQ(probe.outcome, ParseOutcome::other_protocol) << number;
    EXPECT_EQ(probe.protocol, number);
    EXPECT_EQ(probe.target_port, number);
    EXPECT_EQ(probe.payload_bytes, 12);
  }
}

TEST(ParseIpv6, reads_its_fields) {
  const Probe probe = v6({}, tcp({}));
  EXPECT_EQ(probe.outcome, ParseOutcome::tcp);
  EXPECT_EQ(probe.source, documentation_address(7));
  EXPECT_EQ(probe.target, documentation_address(1));
  EXPECT_EQ(probe.ttl, 61);
  EXPECT_EQ(probe.protocol, 6);
  EXPECT_EQ(probe.traits, trait::kIpv6);
  EXPECT_EQ(probe.payload_offset, 14 + 40 + 20);
}

TEST(ParseIpv6, does_not_take_a_mapped_address_for_the_ipv4_host) {
  for (const std::size_t at : {8u, 24u}) {  // source, target
    Bytes frame = ethernet(0x86dd) + ipv6({}, tcp({}));
    const base::Ip mapped = base::Ip::v4(kSource);
    std::copy(mapped.bytes().begin(), mapped.bytes().end(),
              frame.begin() + 14 + static_cast<std::ptrdiff_t>(at));
    const Probe probe = parsed(frame);
    EXPECT_EQ(probe.outcome, ParseOutcome::not_ip);
    EXPECT_EQ(probe.source, base::Ip{});
  }
}

TEST(ParseIpv6, steps_over_extension_headers_of_every_length) {
  for (std::uint8_t kind : {0, 43, 60, 135, 139, 140})
    for (int eights : {0, 1, 2, 31, 255}) {
      const auto more = static_cast<std::uint8_t>(eights);
      const Probe probe = v6({.next = kind}, extension(6, more) + tcp({.to = 443}));
      EXPECT_EQ(probe.outcome, ParseOutcome::tcp) << int{kind} << " " << eights;
      EXPECT_EQ(probe.target_port, 443);
      EXPECT_EQ(probe.payload_bytes, 0);
    }
}

TEST(ParseIpv6, steps_over_an_authentication_header_by_words) {
  // Length 1 is the 12 bytes without any check value, 4 is HMAC-SHA1-96.
  for (std::uint8_t words : {1, 2, 4, 255}) {
    const Probe probe = v6({.next = 51}, authentication(17, words) + udp(9, 161));
    EXPECT_EQ(probe.outcome, ParseOutcome::udp) << int{words};
    EXPECT_EQ(probe.target_port, 161);
  }
}

TEST(ParseIpv6, an_atomic_fragment_is_a_whole_packet) {
  const Probe probe = v6({.next = 44}, fragment(6, 0, false) + tcp({}));
  EXPECT_EQ(probe.outcome, ParseOutcome::tcp);
  EXPECT_EQ(probe.traits, trait::kIpv6);
  EXPECT_EQ(probe.identification, 0x5678);
}

TEST(ParseIpv6, tells_first_and_later_fragments) {
  const Probe first = v6({.next = 44}, fragment(6, 0, true) + tcp({}));
  EXPECT_EQ(first.outcome, ParseOutcome::tcp);
  EXPECT_EQ(first.traits, trait::kIpv6 | trait::kFragment);
  const Probe later = v6({.next = 44}, fragment(6, 1, false) + filler(16));
  EXPECT_EQ(later.outcome, ParseOutcome::later_fragment);
  EXPECT_EQ(later.protocol, 6);
  EXPECT_EQ(later.payload_bytes, 16);
  EXPECT_EQ(later.traits, trait::kIpv6 | trait::kFragment);
}

TEST(ParseIpv6, tells_what_part_of_a_datagram_a_fragment_is) {
  const FragmentSpan first = fragment_span(
      v6({.next = 44}, fragment(60, 0, true) + extension(6) + tcp({}) + filler(1204)));
  EXPECT_EQ(first.begin, 0);
  EXPECT_EQ(first.end, 154) << "with the extension header behind";
  const FragmentSpan middle = fragment_span(v6({.next = 44}, fragment(6, 154, true) + filler(80)));
  EXPECT_EQ(middle.begin, 154);
  EXPECT_EQ(middle.end, 164);
  EXPECT_TRUE(middle.more);
  EXPECT_FALSE(fragment_span(v6({.next = 44}, fragment(6, 154, false) + filler(80))).more);
}

TEST(ParseIpv6, stops_at_esp_whose_inside_is_secret) {
  const Probe probe = v6({.next = 60}, extension(50) + filler(32));
  EXPECT_EQ(probe.outcome, ParseOutcome::other_protocol);
  EXPECT_EQ(probe.target_port, 50);
}

TEST(ParseIpv6, no_next_header_carries_nothing) {
  EXPECT_EQ(v6({.next = 59}, {}).outcome, ParseOutcome::not_ip);
  EXPECT_EQ(v6({.next = 0}, extension(59)).outcome, ParseOutcome::not_ip);
}

TEST(ParseIpv6, names_truncated_extension_headers) {
  for (std::uint8_t kind : {0, 43, 44, 51, 60, 135})
    for (std::size_t length = 0; length < 8; ++length)
      EXPECT_EQ(v6({.next = kind}, filler(length)).outcome, ParseOutcome::truncated_extension)
          << int{kind} << " " << length;
  // The header says 16 bytes, the packet has 8.
  EXPECT_EQ(v6({.next = 60}, Bytes{6, 1} + filler(6)).outcome, ParseOutcome::truncated_extension);
  // The frame has them, but the payload length says that they are not part of the packet.
  EXPECT_EQ(v6({.next = 60, .payload = 8}, extension(6, 1) + tcp({})).outcome,
            ParseOutcome::truncated_extension);
}

TEST(ParseIpv6, names_a_truncated_or_wrong_fixed_header) {
  Bytes packet = ipv6({}, tcp({}));
  packet.resize(39);
  EXPECT_EQ(parsed(ethernet(0x86dd) + packet).outcome, ParseOutcome::truncated_ip);
  EXPECT_EQ(parsed(ethernet(0x86dd) + ipv4({}, filler(40))).outcome, ParseOutcome::bad_ip_version);
}

TEST(ParseIpv6, gives_up_on_a_chain_without_end) {
  // kHeadersMax counts the transport as well.
  const auto chain = [](int extensions) {
    Bytes body;
    for (int i = 1; i <= extensions; ++i) body = body + extension(i < extensions ? 60 : 6);
    return body + tcp({});
  };
  EXPECT_EQ(v6({.next = 60}, chain(kHeadersMax - 1)).outcome, ParseOutcome::tcp);
  EXPECT_EQ(v6({.next = 60}, chain(kHeadersMax)).outcome, ParseOutcome::too_many_headers);
}

}  // namespace
}  // namespace edgesentry::wire
