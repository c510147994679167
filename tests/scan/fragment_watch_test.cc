#include "scan/fragment_watch.h"

#include <gtest/gtest.h>

#include <vector>

#include "probes.h"

namespace edgesentry::scan {
namespace {

const base::Ip kSender = ip4(198, 51, 100, 7);
const base::Ip kServer = ip4(192, 0, 2, 10);
constexpr std::uint16_t kPiece = 185;  // units of 8: 1480 bytes, what Ethernet leaves

struct Part {
  std::uint16_t begin, end;  // units
  bool more = true;
  std::uint16_t id = 1;
  std::uint16_t port = 53;
  std::uint8_t protocol = 17;
};

// The first fragment of a UDP or TCP datagram, or a later one, as the parser tells it.
wire::Probe fragment(const Part& part, const base::Ip& source = kSender) {
  const Flow flow{source, kServer, 40000, part.port};
  const auto bytes = static_cast<std::uint16_t>((part.end - part.begin) * 8);
  const bool is_tcp = part.protocol == 6;
  wire::Probe probe = is_tcp ? tcp(flow, kAckFlag) : udp(flow);
  if (part.begin == 0) {
    wire::note_first_fragment(probe, probe.outcome, bytes);
  } else {
    probe.outcome = wire::ParseOutcome::later_fragment;
    probe.source_port = probe.target_port = 0;
    probe.tcp_flags = 0;
    probe.payload_bytes = bytes;
    wire::note_later_fragment(probe,
                              static_cast<std::uint16_t>(part.begin << 3 | (part.more ? 1 : 0)));
  }
  probe.protocol = part.protocol;
  probe.identification = part.id;
  probe.traits |= wire::trait::kFragment;
  return probe;
}

class Watch {
 public:
  bool accuses(const wire::Probe& probe) {
    return fragments_.judge(probe, touch_of(probe), kTestKey, now).kind == TouchKind::abnormal;
  }
  bool accuses(const Part& part) { return accuses(fragment(part)); }
  int accused(const std::vector<Part>& parts) {
    int count = 0;
    for (const Part& part : parts) count += accuses(part) ? 1 : 0;
    return count;
  }
  base::Micros now = base::seconds(1000);

 private:
  FragmentWatch fragments_;
};

TEST(FragmentWatch, accuses_a_fragment_inside_another_one) {
  Watch watch;  // teardrop: the second ends before the first does
  EXPECT_FALSE(watch.accuses(Part{0, 5}));
  EXPECT_TRUE(watch.accuses(Part{3, 4, false}));
}

TEST(FragmentWatch, accuses_one_unit_too_much_and_not_less) {
  Watch watch;
  watch.accuses(Part{0, kPiece});
  EXPECT_TRUE(watch.accuses(Part{kPiece - 1, kPiece + 9}));
  EXPECT_FALSE(watch.accuses(Part{kPiece, kPiece + 9}));
  EXPECT_TRUE(watch.accuses(Part{0, kPiece + 1})) << "nearly the first one";
}

TEST(FragmentWatch, accuses_what_writes_over_tcp_flags_alone) {
  Watch watch;
  EXPECT_TRUE(watch.accuses(Part{.begin = 1, .end = 3, .protocol = 6}));
  EXPECT_FALSE(watch.accuses(Part{.begin = 2, .end = 3, .id = 2, .protocol = 6}));
  EXPECT_FALSE(watch.accuses(Part{.begin = 1, .end = 3, .id = 3, .protocol = 17}));
}

TEST(FragmentWatch, names_the_port_that_the_first_fragment_names) {
  FragmentWatch fragments;
  const auto judge = [&fragments](const Part& part) {
    const wire::Probe probe = fragment(part);
    return fragments.judge(probe, touch_of(probe), kTestKey, base::seconds(1));
  };
  judge({.begin = 0, .end = 5, .port = 8080, .protocol = 6});
  const Touch touch = judge({.begin = 3, .end = 9, .protocol = 6});
  EXPECT_EQ(touch.technique, Technique::fragment);
  EXPECT_EQ(touch.port_class, PortClass::tcp);
  EXPECT_EQ(touch.port, 8080);
  judge({.begin = 4, .end = 6, .id = 2});
  EXPECT_EQ(judge({.begin = 0, .end = 5, .id = 2, .port = 161}).port, 161) << "came last";
}

TEST(FragmentWatch, leaves_any_order_alone) {
  std::vector<Part> parts;
  constexpr std::uint16_t kPieces = 9;
  for (std::uint16_t n = 0; n < kPieces; ++n)
    parts.push_back({static_cast<std::uint16_t>(n * kPiece),
                     static_cast<std::uint16_t>((n + 1) * kPiece), n + 1 < kPieces});
  EXPECT_EQ(Watch().accused(parts), 0);
  EXPECT_EQ(Watch().accused({parts.rbegin(), parts.rend()}), 0);
  for (std::size_t step : {2u, 4u, 5u, 7u}) {
    std::vector<Part> mixed;
    for (std::size_t n = 0; n < kPieces; ++n) mixed.push_back(parts[n * step % kPieces]);
    EXPECT_EQ(Watch().accused(mixed), 0) << step;
  }
}

TEST(FragmentWatch, leaves_exact_repeats_alone) {
  Watch watch;
  const std::vector<Part> parts = {{0, 185}, {185, 370}, {370, 400, false}};
  for (const Part& part : parts) EXPECT_EQ(watch.accused({part, part}), 0);
  EXPECT_EQ(watch.accused(parts), 0) << "all of it once more";
  EXPECT_EQ(watch.accused({parts[2], parts[0], parts[0], parts[1]}), 0);
}

TEST(FragmentWatch, leaves_datagrams_of_as_many_fragments_as_there_can_be_alone) {
  Watch watch;
  for (int round = 0; round < 3; ++round)
    for (std::uint16_t n = 0; n < 44; ++n)
      EXPECT_FALSE(watch.accuses(Part{static_cast<std::uint16_t>(n * kPiece),
                                      static_cast<std::uint16_t>((n + 1) * kPiece), n < 43}))
          << n;
}

TEST(FragmentWatch, lets_identifications_come_round) {
  Watch watch;
  EXPECT_EQ(watch.accused({{0, 185}, {185, 370}, {370, 400, false}}), 0);
  EXPECT_EQ(watch.accused({{0, 185}, {185, 200, false}}), 0) << "the one before was complete";
  EXPECT_EQ(watch.accused({{0, 185}, {185, 370}}), 0);
  EXPECT_EQ(watch.accused({{0, 185}, {185, 200, false}}), 0) << "a first fragment begins anew";
  EXPECT_EQ(watch.accused({{185, 370}}), 0);
  watch.now = watch.now + FragmentWatch::kWait + base::milliseconds(1);
  EXPECT_EQ(watch.accused({{185, 200, false}}), 0) << "nobody waits for the rest any more";
}

TEST(FragmentWatch, accuses_until_nobody_waits_any_more) {
  Watch watch;
  watch.accuses(Part{185, 370});
  watch.now = watch.now + FragmentWatch::kWait;
  EXPECT_TRUE(watch.accuses(Part{185, 200, false}));
}

TEST(FragmentWatch, tells_datagrams_apart) {
  Watch watch;
  watch.accuses(Part{0, 10});
  EXPECT_FALSE(watch.accuses(Part{.begin = 5, .end = 15, .id = 2})) << "identification";
  EXPECT_FALSE(watch.accuses(Part{.begin = 5, .end = 15, .protocol = 50})) << "protocol";
  EXPECT_FALSE(watch.accuses(fragment({5, 15}, ip4(198, 51, 100, 8)))) << "source";
  EXPECT_TRUE(watch.accuses(Part{5, 15}));
}

TEST(FragmentWatch, ignores_fragments_without_content) {
  Watch watch;
  EXPECT_EQ(watch.accused({{0, 0}, {3, 3}, {0, 5}, {3, 3, false}, {0, 0}}), 0);
}

TEST(FragmentWatch, accuses_nobody_in_a_flood_of_single_fragments) {
  Watch watch;
  for (std::uint32_t n = 0; n < 100'000; ++n) {
    const auto begin = static_cast<std::uint16_t>(n % 7 * 100);
    const Part part{.begin = begin, .end = static_cast<std::uint16_t>(begin + 150), .id = 7};
    EXPECT_FALSE(watch.accuses(fragment(part, base::Ip::v4(0x0b000000u + n))));
  }
}

TEST(Fragments, three_overlaps_make_a_scan_and_two_do_not) {
  Bench bench;
  for (std::uint16_t n = 1; n <= 3; ++n) {
    EXPECT_TRUE(bench.alerts.empty()) << n;
    EXPECT_EQ(bench.act(fragment({.begin = 0, .end = 5, .id = n, .port = n})), Verdict::pass);
    bench.act(fragment({.begin = 3, .end = 4, .more = false, .id = n}));
  }
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(bench.alerts[0].technique, Technique::fragment);
  EXPECT_EQ(bench.alerts[0].reason, Reason::abnormal_flags);
  EXPECT_TRUE(bench.alerts[0].dropping);
}

TEST(Fragments, flags_that_are_written_over_are_told_with_their_ports) {
  Bench bench;
  for (std::uint16_t n = 1; n <= 3; ++n) {
    const auto port = static_cast<std::uint16_t>(20 + n);
    wire::Probe harmless = fragment({.begin = 0, .end = 4, .id = n, .port = port, .protocol = 6});
    harmless.payload_bytes = 12;
    bench.act(harmless);
    bench.act(fragment({.begin = 1, .end = 4, .more = false, .id = n, .protocol = 6}));
  }
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(bench.alerts[0].technique, Technique::fragment);
  EXPECT_EQ(bench.alerts[0].port_count, 3u);
  EXPECT_EQ(bench.alerts[0].ports[0], 21);
  EXPECT_EQ(bench.alerts[0].ports[2], 23);
}

TEST(Fragments, one_broken_sender_to_one_service_is_no_scan) {
  Bench bench;
  for (std::uint16_t n = 1; n <= 500; ++n) {
    bench.act(fragment({.begin = 0, .end = 185, .id = n, .port = 2049}));
    EXPECT_EQ(bench.act(fragment({.begin = 100, .end = 200, .more = false, .id = n})),
              Verdict::pass);
  }
  EXPECT_TRUE(bench.alerts.empty());
}

TEST(Fragments, a_service_that_was_called_first_is_excused) {
  Bench bench;
  for (std::uint16_t n = 1; n <= 20; ++n) {
    const auto port = static_cast<std::uint16_t>(41000 + n);
    bench.hear(udp({kServer, kSender, port, 53}));  // asks the resolver
    wire::Probe first = fragment({.begin = 0, .end = 185, .id = n, .port = port});
    first.source_port = 53;
    bench.act(first);
    bench.act(fragment({.begin = 100, .end = 200, .more = false, .id = n}));
  }
  EXPECT_TRUE(bench.alerts.empty());
}

}  // namespace
}  // namespace edgesentry::scan
