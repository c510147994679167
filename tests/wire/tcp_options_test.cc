#include "wire/tcp_options.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "support/parsed.h"
#include "wire/probe.h"

namespace edgesentry::wire {
namespace {

using tcp_option::order, tcp_option::kNop, tcp_option::kMss, tcp_option::kWindowScale,
    tcp_option::kSackPermitted, tcp_option::kTimestamps, tcp_option::kOther, tcp_option::kEnd,
    tcp_option::kMss1460, tcp_option::kMss1440, tcp_option::kMss536, tcp_option::kMssOther,
    tcp_option::kStampAny, tcp_option::kStampOnes, tcp_option::kScale8, tcp_option::kScale7,
    tcp_option::kScale6, tcp_option::kScaleOther;
using test::frames::Bytes, test::frames::be16, test::frames::ethernet, test::frames::filler,
    test::frames::ipv4, test::frames::tcp, test::frames::operator+;

std::uint32_t layout_of(const Bytes& options) {
  return tcp_options(options.data(), options.size()).layout;
}

const Bytes kMss1460Bytes = {2, 4, 5, 0xb4};

TEST(TcpOptions, are_nothing_where_there_are_none) {
  EXPECT_EQ(layout_of({}), 0u);
  EXPECT_EQ(tcp_options(nullptr, 0).traits, 0);
}

TEST(TcpOptions, tell_stacks_apart_by_order) {
  EXPECT_EQ(layout_of(kMss1460Bytes), order({kMss}) | kMss1460);
  const Bytes windows = kMss1460Bytes + Bytes{1, 3, 3, 8, 1, 1, 4, 2};
  EXPECT_EQ(layout_of(windows),
            order({kMss, kNop, kWindowScale, kNop, kNop, kSackPermitted}) | kMss1460 | kScale8);
  const Bytes linux_syn = kMss1460Bytes + Bytes{4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7};
  EXPECT_EQ(layout_of(linux_syn), order({kMss, kSackPermitted, kTimestamps, kNop, kWindowScale}) |
                                      kMss1460 | kStampAny | kScale7);
  const Bytes bsd =
      kMss1460Bytes + Bytes{1, 3, 3, 6, 1, 1, 8, 10, 0, 0, 0, 1} + filler(4, 0) + Bytes{4, 2, 0};
  EXPECT_EQ(layout_of(bsd),
            order({kMss, kNop, kWindowScale, kNop, kNop, kTimestamps, kSackPermitted, kEnd}) |
                kMss1460 | kStampAny | kScale6);
}

TEST(TcpOptions, tell_values_apart) {
  EXPECT_EQ(layout_of({2, 4, 5, 0xa0}), order({kMss}) | kMss1440);
  EXPECT_EQ(layout_of({2, 4, 2, 24}), order({kMss}) | kMss536);
  EXPECT_EQ(layout_of({2, 4, 5, 0xb3}), order({kMss}) | kMssOther);
  EXPECT_EQ(layout_of({3, 3, 9}), order({kWindowScale}) | kScaleOther);
  const Bytes ones = Bytes{8, 10, 255, 255, 255, 255} + filler(4, 0);
  EXPECT_EQ(layout_of(ones), order({kTimestamps}) | kStampOnes);
  const Bytes nearly = Bytes{8, 10, 255, 255, 255, 254} + filler(4, 0);
  EXPECT_EQ(layout_of(nearly), order({kTimestamps}) | kStampAny);
}

TEST(TcpOptions, take_a_broken_list_for_no_known_one) {
  EXPECT_EQ(layout_of({2, 4, 5}), order({kOther})) << "cut inside the MSS";
  EXPECT_EQ(layout_of({2, 5, 5, 0xb4, 0}), order({kOther})) << "an MSS of a wrong length";
  EXPECT_EQ(layout_of(kMss1460Bytes + Bytes{3}), order({kMss, kOther}) | kMss1460);
  EXPECT_EQ(layout_of(kMss1460Bytes + Bytes{77, 0}), order({kMss, kOther}) | kMss1460);
  EXPECT_EQ(layout_of(kMss1460Bytes + Bytes{77, 255}), order({kMss, kOther}) | kMss1460);
}

TEST(TcpOptions, take_a_ninth_option_for_no_known_layout) {
  const std::uint32_t eight = order({kNop, kNop, kNop, kNop, kNop, kNop, kNop, kNop});
  EXPECT_EQ(layout_of(filler(8, 1)), eight);
  EXPECT_EQ(layout_of(filler(9, 1)), (eight & 0x1fffff) | kOther << 21);
  EXPECT_EQ(layout_of(filler(40, 1)), layout_of(filler(9, 1)));
}

TEST(TcpOptions, read_no_byte_beyond_the_list) {
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    // In memory of its own and of exactly that size, so that a sanitizer sees any byte too many.
    std::vector<std::uint8_t> bytes(random() % 41);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random() % (round % 2 ? 12 : 256));
    bytes.shrink_to_fit();
    const TcpOptions options = tcp_options(bytes.data(), bytes.size());
    EXPECT_EQ(options.layout == 0, bytes.empty());
  }
}

TEST(TcpOptions, stand_in_the_probe_of_a_syn_and_of_nothing_else) {
  const auto probe_of = [](std::uint8_t flags, const Bytes& options) {
    return parsed(ethernet(0x0800) +
                  ipv4({.protocol = 6}, tcp({.flags = flags, .options = options})));
  };
  EXPECT_EQ(tcp_layout(probe_of(0x02, kMss1460Bytes)), order({kMss}) | kMss1460);
  EXPECT_EQ(tcp_layout(probe_of(0x02, {})), 0u);
  EXPECT_EQ(tcp_layout(probe_of(0x10, kMss1460Bytes)), 0u);
  EXPECT_EQ(probe_of(0x02, kMss1460Bytes).quoted_protocol, 0);
}

TEST(TcpOptions, of_a_tiny_first_fragment_are_not_there_but_its_number_is) {
  Bytes header = tcp({});
  header.resize(8);
  const Probe whole = parsed(ethernet(0x0800) + ipv4({.protocol = 6}, header));
  EXPECT_EQ(whole.outcome, ParseOutcome::truncated_transport);
  EXPECT_EQ(whole.sequence, 0x01020304u);
  header.resize(7);
  EXPECT_EQ(parsed(ethernet(0x0800) + ipv4({.protocol = 6}, header)).sequence, 0u);
}

}  // namespace
}  // namespace edgesentry::wire
