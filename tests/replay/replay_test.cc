#include "replay/replay.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "support/capture_writer.h"
#include "support/packet_builder.h"
#include "support/scratch.h"

namespace edgesentry::replay {
namespace {

using test::Bytes;
using test::PacketBuilder;

constexpr base::Micros kStart = base::seconds(1'700'000'000);

struct Replayed {
  std::vector<report::Event> events;
  ReplaySummary summary;

  [[nodiscard]] std::size_t count(report::Action action) const {
    return static_cast<std::size_t>(std::count_if(
        events.begin(), events.end(), [&](const auto& event) { return event.action == action; }));
  }
};

struct Packet {
  base::Micros time;
  Bytes frame;
  std::uint32_t wire_bytes = 0;
};

ReplayOptions small() {
  ReplayOptions options;
  options.sources = 1u << 12;
  options.suspects = 1u << 8;
  return options;
}

Replayed run(const std::vector<Packet>& packets, ReplayOptions options = small()) {
  Replayed out;
  Replay replay(std::move(options),
                [&](const report::Event& event) { out.events.push_back(event); });
  std::uint64_t number = 0;
  for (const Packet& packet : packets) {
    const auto captured = static_cast<std::uint32_t>(packet.frame.size());
    replay.take({packet.frame, std::max(captured, packet.wire_bytes), packet.time, ++number},
                wire::LinkType::ethernet);
  }
  out.summary = replay.finish();
  return out;
}

Bytes null_probe(std::uint16_t port, const char* source = "198.51.100.7") {
  return PacketBuilder().ip(source, "10.0.0.1").tcp(40000, port, 0).bytes();
}

std::vector<Packet> null_scan(std::uint16_t ports, base::Micros step) {
  std::vector<Packet> packets;
  for (std::uint16_t i = 0; i < ports; ++i)
    packets.push_back(
        {{kStart.value + i * step.value}, null_probe(static_cast<std::uint16_t>(20 + i))});
  return packets;
}

TEST(Replay, says_each_scan_and_each_block_once_and_counts_what_follows_as_dropped) {
  const Replayed got = run(null_scan(30, base::milliseconds(5)));
  EXPECT_EQ(got.count(report::Action::scan_detected), 1u);
  EXPECT_EQ(got.count(report::Action::source_blocked), 1u);
  EXPECT_EQ(got.summary.blocked_sources, 1u);
  EXPECT_EQ(got.summary.packets, 30u);
  // Three abnormal probes decide; the third is the deciding one and is dropped itself.
  EXPECT_EQ(got.summary.dropped_packets, 28u);
}

TEST(Replay, blocks_to_the_end_of_a_capture_however_long_it_is) {
  std::vector<Packet> packets = null_scan(5, base::milliseconds(5));
  for (std::uint64_t day = 1; day <= 9; ++day)
    packets.push_back({kStart + base::seconds(day * 86400), null_probe(80)});
  const Replayed got = run(packets);
  EXPECT_EQ(got.count(report::Action::source_blocked), 1u);
  EXPECT_EQ(got.summary.dropped_packets, 3u + 9u);
}

TEST(Replay, stamps_events_with_the_time_of_the_deciding_packet) {
  const Replayed got = run(null_scan(3, base::seconds(1)));
  ASSERT_FALSE(got.events.empty());
  const auto since = got.events[0].time.time_since_epoch();
  EXPECT_EQ(std::chrono::duration_cast<std::chrono::seconds>(since).count(), 1'700'000'002);
}

// Silence decides between two packets: at its own time, not at that of the packet which shows it.
TEST(Replay, decides_on_silence_when_the_silence_has_lasted) {
  std::vector<Packet> packets;
  for (std::uint16_t i = 0; i < 8; ++i)
    packets.push_back({{kStart.value + i * 10'000u},
                       PacketBuilder()
                           .ip("198.51.100.7", "10.0.0.1")
                           .tcp(40000, static_cast<std::uint16_t>(20 + i), 2)
                           .bytes()});
  EXPECT_TRUE(run(packets).events.empty()) << "nothing is known yet when the capture ends";
  ReplayOptions options = small();
  options.run_on = base::seconds(30);
  const Replayed ran_on = run(packets, options);
  ASSERT_EQ(ran_on.count(report::Action::source_blocked), 1u);
  packets.push_back({kStart + base::seconds(3600), null_probe(80, "192.0.2.9")});
  const Replayed late = run(packets);
  ASSERT_EQ(late.count(report::Action::source_blocked), 1u);
  for (const report::Event& event : late.events) {
    const auto time =
        std::chrono::duration_cast<std::chrono::seconds>(event.time.time_since_epoch());
    EXPECT_GE(time.count(), 1'700'000'004);
    EXPECT_LE(time.count(), 1'700'000'010);
  }
}

TEST(Replay, reports_an_allowed_source_and_never_drops_it) {
  ReplayOptions options = small();
  policy::AllowLists lists;
  lists.configured.push_back(
      {*base::Prefix::parse("198.51.100.0/24"), policy::Exempt::allowed_by_config});
  options.exempt = policy::Exemptions(lists, 64);
  options.detection.allow = options.exempt.set();
  const Replayed got = run(null_scan(30, base::milliseconds(5)), options);
  EXPECT_EQ(got.count(report::Action::scan_detected), 1u);
  EXPECT_EQ(got.count(report::Action::source_blocked), 0u);
  EXPECT_EQ(got.summary.dropped_packets, 0u);
  EXPECT_EQ(got.summary.blocked_sources, 0u);
}

// Frames of one timestamp are one burst, longer ones several; order and count must survive that.
TEST(Replay, takes_any_number_of_packets_with_one_timestamp) {
  std::vector<Packet> packets;
  for (std::uint16_t i = 0; i < 3 * scan::kBurstMax + 7; ++i)
    packets.push_back({kStart, null_probe(static_cast<std::uint16_t>(1000 + i))});
  const Replayed got = run(packets);
  EXPECT_EQ(got.summary.packets, 3 * scan::kBurstMax + 7);
  EXPECT_EQ(got.summary.dropped_packets, got.summary.packets - 2);
}

// Seeded traffic of scanners and clients; who is blocked must not depend on who owns a source.
TEST(Replay, decides_alike_for_any_number_of_workers) {
  std::vector<Packet> packets;
  std::uint32_t seed = 4711;
  const auto random = [&](std::uint32_t below) {
    return (seed = seed * 1664525 + 1013904223) / 65536 % below;
  };
  for (std::uint64_t i = 0; i < 4000; ++i) {
    const std::string source = "198.51.100." + std::to_string(1 + random(40));
    const bool is_scanner = random(4) == 0;
    const auto port = static_cast<std::uint16_t>(is_scanner ? 1 + random(500) : 80);
    const base::Micros time{kStart.value + i * 3000};
    packets.push_back({time, PacketBuilder()
                                 .ip(source, "10.0.0.1")
                                 .tcp(static_cast<std::uint16_t>(2000 + i), port, 2)
                                 .mss()
                                 .bytes()});
    packets.push_back(
        {{time.value + 200},
         PacketBuilder()
             .ip("10.0.0.1", source)
             .tcp(port, static_cast<std::uint16_t>(2000 + i), port == 80 ? 0x12 : 0x14, 1, 1001)
             .bytes()});
  }
  ReplayOptions options = small();
  const std::vector<base::Prefix> inside = {*base::Prefix::parse("10.0.0.0/8")};
  options.detection.inside = base::CidrSet(inside);
  std::set<std::tuple<std::string, std::uint32_t, std::int64_t>> first;
  for (const std::uint16_t workers : {1, 2, 3, 8, 64}) {
    options.workers = workers;
    const Replayed got = run(packets, options);
    std::set<std::tuple<std::string, std::uint32_t, std::int64_t>> decisions;
    for (const report::Event& event : got.events)
      if (event.action == report::Action::source_blocked)
        decisions.insert(
            {event.source.to_string(), event.alert->probes, event.time.time_since_epoch().count()});
    EXPECT_FALSE(decisions.empty());
    if (first.empty()) first = decisions;
    EXPECT_EQ(decisions, first) << workers << " workers";
  }
}

TEST(Replay, understands_records_that_the_snapshot_length_cut_behind_their_headers) {
  Bytes frame =
      PacketBuilder().ip("198.51.100.7", "10.0.0.1").tcp(40000, 80, 0x18).payload(1000).bytes();
  const auto whole = static_cast<std::uint32_t>(frame.size());
  frame.resize(96);
  const Replayed got = run({{kStart, frame, whole}});
  EXPECT_EQ(got.summary.parsed[static_cast<std::size_t>(wire::ParseOutcome::tcp)], 1u);
  EXPECT_EQ(got.summary.bytes, whole);
}

// Zeros must never be taken for flags: a record cut inside its TCP header is truncated, not NULL.
TEST(Replay, invents_no_headers_for_records_cut_inside_them) {
  const Bytes frame =
      PacketBuilder().ip("198.51.100.7", "10.0.0.1").tcp(40000, 80, 2).payload(90).bytes();
  for (std::size_t size = 0; size < 14 + 20 + 20; ++size) {
    const Bytes cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
    const Replayed got = run({{kStart, cut, static_cast<std::uint32_t>(frame.size())}});
    EXPECT_EQ(got.summary.parsed[static_cast<std::size_t>(wire::ParseOutcome::tcp)], 0u) << size;
  }
}

TEST(Replay, of_a_file_tells_what_was_read_before_it_was_cut_off) {
  test::Scratch scratch;
  test::CaptureWriter writer;
  for (const Packet& packet : null_scan(5, base::milliseconds(5)))
    writer.add(packet.time, packet.frame);
  auto opened = wire::CaptureFile::open(
      scratch.write("a.pcap", writer.bytes().substr(0, writer.bytes().size() - 3)));
  ASSERT_TRUE(opened.ok());
  wire::CaptureFile file = std::move(opened).value();
  Replay replay(small(), [](const report::Event&) {});
  const FileReplay got = replay_file(file, replay, {});
  EXPECT_EQ(got.summary.packets, 4u);
  EXPECT_NE(got.fault.find("record 5 is cut off"), std::string::npos) << got.fault;
}

TEST(VirtualClock, never_runs_backwards) {
  VirtualClock clock;
  clock.advance(kStart);
  const base::Micros before = clock.advance(kStart + base::seconds(10));
  EXPECT_EQ(clock.advance(kStart + base::seconds(9)), before) << "a little disorder";
  EXPECT_EQ(clock.advance(kStart + base::seconds(10)), before);
  EXPECT_EQ(clock.advance(kStart + base::seconds(11)), before + base::seconds(1));
}

TEST(VirtualClock, follows_a_capture_clock_that_was_set_back) {
  VirtualClock clock;
  clock.advance(kStart);
  const base::Micros before = clock.advance(kStart + base::seconds(1'000'000));
  EXPECT_EQ(clock.advance(kStart), before);
  EXPECT_EQ(clock.advance(kStart + base::seconds(5)), before + base::seconds(5));
}

TEST(VirtualClock, shortens_a_gap_of_years_to_a_day) {
  VirtualClock clock;
  const base::Micros start = clock.advance(kStart);
  EXPECT_EQ(clock.advance(kStart + base::seconds(86'400 * 4000ull)), start + kGapMax);
}

TEST(VirtualClock, stands_above_zero_for_captures_that_begin_at_zero) {
  VirtualClock clock;
  EXPECT_GT(clock.advance(base::Micros{0}).value, 0u);
}

TEST(TickBetween, ticks_every_ten_milliseconds_and_bounds_the_ticks_of_a_long_gap) {
  std::uint64_t ticks = 0;
  base::Micros last{};
  const auto count = [&](base::Micros at) {
    ++ticks;
    EXPECT_GT(at, last);
    last = at;
  };
  EXPECT_EQ(tick_between({0}, base::milliseconds(105), count), base::milliseconds(100));
  EXPECT_EQ(ticks, 10u);
  ticks = 0;
  last = {};
  tick_between({0}, kGapMax, count);
  EXPECT_LE(ticks, 2001u);
  EXPECT_GE(last, base::Micros{kGapMax.value - kGapMax.value / 1000});
}

}  // namespace
}  // namespace edgesentry::replay
