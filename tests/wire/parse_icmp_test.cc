// ICMP errors are believed only as far as their quote agrees: they count as outcomes of probes, so
// whoever could forge one could make an innocent source look like a scanner.
#include <gtest/gtest.h>

#include "support/parsed.h"

namespace edgesentry::wire {
namespace {

using test::frames::Bytes, test::frames::Ipv4, test::frames::ethernet, test::frames::filler,
    test::frames::icmp, test::frames::ipv4, test::frames::ipv6, test::frames::kTarget,
    test::frames::tcp, test::frames::udp, test::frames::operator+;

// 198.51.100.7 tells 10.0.0.1 that the packet 10.0.0.1:5000 -> 203.0.113.9:53 did not arrive.
constexpr std::uint32_t kQuotedTarget = 0xcb007109;

Bytes quote(const Ipv4& header) {
  return ipv4(header, udp(5000, 53, filler(8)));
}
Probe error_v4(std::uint8_t type, const Bytes& quoted) {
  return parsed(ethernet(0x0800) + ipv4({.protocol = 1}, icmp(type, 3, quoted)));
}
Probe error_v6(std::uint8_t type, const Bytes& quoted) {
  return parsed(ethernet(0x86dd) + ipv6({.next = 58}, icmp(type, 4, quoted)));
}
const Ipv4 kRight = {.protocol = 17, .source = kTarget, .target = kQuotedTarget};

void expect_nothing_quoted(const Probe& probe) {
  EXPECT_EQ(probe.outcome, ParseOutcome::icmp);
  EXPECT_EQ(probe.quoted_protocol, 0);
  EXPECT_EQ(probe.quoted_source_port, 0);
  EXPECT_EQ(probe.quoted_target_port, 0);
  EXPECT_EQ(probe.acknowledgement, 0u);
}

TEST(ParseIcmp, reads_a_request) {
  const Probe probe = parsed(ethernet(0x0800) + ipv4({.protocol = 1}, icmp(8, 0, filler(56))));
  EXPECT_EQ(probe.outcome, ParseOutcome::icmp);
  EXPECT_EQ(probe.icmp_type, 8);
  EXPECT_EQ(probe.icmp_code, 0);
  EXPECT_EQ(probe.sequence, 0x00070001u);
  EXPECT_EQ(probe.payload_bytes, 56);
}

TEST(ParseIcmp, needs_its_eight_bytes) {
  for (std::size_t length = 0; length < 8; ++length) {
    Bytes header = icmp(8, 0);
    header.resize(length);
    EXPECT_EQ(parsed(ethernet(0x0800) + ipv4({.protocol = 1}, header)).outcome,
              ParseOutcome::truncated_transport);
  }
}

TEST(ParseIcmp, reads_the_quote_of_every_error_and_of_nothing_else) {
  for (int type = 0; type < 256; ++type) {
    const Probe probe = error_v4(static_cast<std::uint8_t>(type), quote(kRight));
    const bool is_error = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
    if (!is_error) {
      expect_nothing_quoted(probe);
      continue;
    }
    EXPECT_EQ(probe.quoted_protocol, 17) << type;
    EXPECT_EQ(probe.quoted_source_port, 5000);
    EXPECT_EQ(probe.quoted_target_port, 53);
    EXPECT_EQ(probe.acknowledgement, fold(base::Ip::v4(kQuotedTarget)));
  }
}

TEST(ParseIcmp, reads_the_quote_behind_ip_options) {
  Ipv4 header = kRight;
  header.options = filler(12, 1);
  EXPECT_EQ(error_v4(3, quote(header)).quoted_target_port, 53);
}

TEST(ParseIcmp, does_not_believe_a_quote_of_somebody_else) {
  Ipv4 forged = kRight;
  forged.source = kTarget + 1;
  expect_nothing_quoted(error_v4(3, quote(forged)));
}

TEST(ParseIcmp, a_quote_without_ports_has_none) {
  Ipv4 header = kRight;
  header.protocol = 47;
  const Probe probe = error_v4(3, quote(header));
  EXPECT_EQ(probe.quoted_protocol, 47);
  EXPECT_EQ(probe.quoted_target_port, 0);
}

TEST(ParseIcmp, reads_as_much_of_a_cut_quote_as_arrived) {
  const Bytes whole = quote(kRight);
  for (std::size_t length = 0; length < 20; ++length)
    expect_nothing_quoted(
        error_v4(3, Bytes(whole.begin(), whole.begin() + static_cast<long>(length))));
  for (std::size_t length = 20; length <= whole.size(); ++length) {
    const Probe probe =
        error_v4(3, Bytes(whole.begin(), whole.begin() + static_cast<long>(length)));
    EXPECT_EQ(probe.quoted_protocol, 17) << length;
    EXPECT_EQ(probe.quoted_target_port, length >= 24 ? 53 : 0) << length;
  }
}

TEST(ParseIcmp, ignores_quotes_that_are_not_ipv4) {
  expect_nothing_quoted(error_v4(3, filler(40)));
  Ipv4 short_header = kRight;
  short_header.version_and_length = 0x44;
  expect_nothing_quoted(error_v4(3, quote(short_header)));
  Ipv4 long_header = kRight;
  long_header.version_and_length = 0x4f;  // 60 bytes, but 36 are there
  expect_nothing_quoted(error_v4(3, quote(long_header)));
}

TEST(ParseIcmpv6, reads_the_quote_of_every_error_and_of_nothing_else) {
  const Bytes quoted = ipv6({.next = 6, .source = 1, .target = 9}, tcp({.from = 5000, .to = 53}));
  for (int type = 0; type < 256; ++type) {
    const Probe probe = error_v6(static_cast<std::uint8_t>(type), quoted);
    if (type < 1 || type > 4) {
      expect_nothing_quoted(probe);
      continue;
    }
    EXPECT_EQ(probe.quoted_protocol, 6) << type;
    EXPECT_EQ(probe.quoted_source_port, 5000);
    EXPECT_EQ(probe.quoted_target_port, 53);
  }
}

TEST(ParseIcmpv6, does_not_believe_a_quote_of_somebody_else) {
  expect_nothing_quoted(error_v6(1, ipv6({.next = 6, .source = 2, .target = 9}, tcp({}))));
  expect_nothing_quoted(error_v6(1, ipv4(kRight, udp(1, 2)) + filler(40)));
}

}  // namespace
}  // namespace edgesentry::wire
