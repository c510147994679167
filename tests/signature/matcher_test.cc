// Payloads by themselves: what is looked at, what is left out, what is counted.
#include "signature/matcher.h"

#include <gtest/gtest.h>

#include "rig.h"
#include "support/guarded.h"

namespace edgesentry::signature {
namespace {

std::uint64_t hits_of(const Matcher& matcher, Kind kind) {
  return matcher.counters().hits[static_cast<std::size_t>(kind)].value();
}

TEST(Matcher, finds_what_is_there_and_counts_it) {
  const auto matcher = matcher_of(database_of({{"a", "abc"}, {"d", "def"}, {"g", "ghi"}}));
  EXPECT_EQ(ids_of(*matcher, matcher->match({.bytes = bytes_of("defabcabc")}, {})), "a d");
  EXPECT_TRUE(matcher->match({.bytes = bytes_of("xyz")}, {}).empty());
  EXPECT_EQ(hits_of(*matcher, Kind::exploit), 2u);
  EXPECT_EQ(matcher->counters().payloads.value(), 2u);
  EXPECT_EQ(matcher->counters().bytes.value(), 12u);
  EXPECT_EQ(matcher->counters().faults.value(), 0u);
}

TEST(Matcher, looks_at_each_direction_with_its_own_patterns) {
  const auto matcher = matcher_of(database_of({{"c", "abc"},
                                               {"s", "abc", "exploit", "server"},
                                               {"u", "abc", "exploit", "client", "", "udp"},
                                               {"b", "abc", "exploit", "server", "", "any"}}));
  const auto ids = [&](Transport transport, Side side) {
    return ids_of(*matcher, matcher->match({bytes_of("abc"), transport, side, 80}, {}));
  };
  EXPECT_EQ(ids(Transport::tcp, Side::client), "c");
  EXPECT_EQ(ids(Transport::tcp, Side::server), "b s");
  EXPECT_EQ(ids(Transport::udp, Side::client), "u");
  EXPECT_EQ(ids(Transport::udp, Side::server), "b");
}

TEST(Matcher, spends_nothing_on_ports_that_nobody_asks_for) {
  const auto matcher = matcher_of(database_of({{"a", "abc", "exploit", "client", "21,8000-8010"}}));
  EXPECT_EQ(ids_of(*matcher, matcher->match({.bytes = bytes_of("abc"), .port = 8010}, {})), "a");
  const Payload other{.bytes = bytes_of("abc"), .port = 8011};
  EXPECT_FALSE(matcher->wants(other));
  EXPECT_TRUE(matcher->match(other, {}).empty());
  EXPECT_FALSE(matcher->wants({.bytes = bytes_of("abc"), .side = Side::server, .port = 21}));
  EXPECT_EQ(matcher->counters().payloads.value(), 1u);
}

TEST(Matcher, takes_a_pattern_only_at_its_own_ports) {
  const auto matcher = matcher_of(database_of(
      {{"a", "abc", "exploit", "client", "21"}, {"b", "abc", "exploit", "client", "22"}}));
  EXPECT_EQ(ids_of(*matcher, matcher->match({.bytes = bytes_of("abc"), .port = 22}, {})), "b");
  EXPECT_EQ(hits_of(*matcher, Kind::exploit), 1u);
}

TEST(Matcher, looks_at_the_first_bytes_of_a_long_payload) {
  MatcherLimits limits;
  limits.bytes_per_payload = 8;
  const auto matcher = matcher_of(database_of({{}}), limits);
  EXPECT_FALSE(matcher->match({.bytes = bytes_of("xxxxxabcxxxxx")}, {}).empty());
  EXPECT_TRUE(matcher->match({.bytes = bytes_of("xxxxxxabc")}, {}).empty());
  EXPECT_EQ(matcher->counters().bytes.value(), 16u);
  EXPECT_EQ(matcher->counters().bytes_past_limits.value(), 6u);
}

TEST(Matcher, keeps_half_of_the_budget_for_ports_that_a_pattern_names) {
  MatcherLimits limits;
  limits.bytes_per_second = 1000;
  limits.bytes_at_once = 20;
  const auto matcher = matcher_of(database_of({{}, {.id = "two", .ports = "21"}}), limits);
  EXPECT_TRUE(matcher->match({.bytes = bytes_of("xxxxxxxxxxx"), .port = 9}, {}).empty());
  EXPECT_EQ(matcher->counters().payloads_refused.value(), 1u);
  EXPECT_FALSE(matcher->match({.bytes = bytes_of("xxxxxxxabc"), .port = 9}, {}).empty());
  EXPECT_TRUE(matcher->match({.bytes = bytes_of("abc"), .port = 9}, {}).empty());
  EXPECT_FALSE(matcher->match({.bytes = bytes_of("abc"), .port = 21}, {}).empty());
}

TEST(Matcher, stops_when_the_budget_is_used_up_and_goes_on_when_time_passes) {
  MatcherLimits limits;
  limits.bytes_per_second = 1000;
  limits.bytes_at_once = 10;
  const auto matcher = matcher_of(database_of({{.ports = "21"}}), limits);
  const Payload payload{.bytes = bytes_of("12345abc"), .port = 21};
  EXPECT_FALSE(matcher->match(payload, base::seconds(1)).empty());
  EXPECT_TRUE(matcher->match(payload, base::seconds(1)).empty());
  EXPECT_TRUE(matcher->match(payload, base::seconds(1) + base::milliseconds(5)).empty());
  EXPECT_FALSE(matcher->match(payload, base::seconds(1) + base::milliseconds(6)).empty());
  EXPECT_EQ(matcher->counters().payloads_refused.value(), 2u);
  EXPECT_EQ(matcher->counters().bytes_refused.value(), 16u);
  EXPECT_EQ(matcher->counters().payloads.value(), 2u);
}

TEST(Matcher, says_when_there_are_more_hits_than_it_lists) {
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < Hits::kMax + 1; ++i) entries.push_back({std::string(i + 1, 'p')});
  const auto matcher = matcher_of(database_of(entries));
  const Hits hits = matcher->match({.bytes = bytes_of("abc")}, {});
  EXPECT_EQ(hits.indices().size(), Hits::kMax);
  EXPECT_TRUE(hits.is_cut());
  EXPECT_EQ(matcher->counters().hits_cut.value(), 1u);
  entries.pop_back();
  const auto fitting = matcher_of(database_of(entries));
  EXPECT_FALSE(fitting->match({.bytes = bytes_of("abc")}, {}).is_cut());
}

// Payloads end at an unreadable page, and Hyperscan reads behind what it is given.
TEST(Matcher, reads_nothing_behind_a_payload) {
  const auto matcher =
      matcher_of(database_of({{"a", "abc"}, {"b", "ab?c", "exploit", "server"}, {"c", "[ab]{3}c"}}),
                 {.bytes_per_second = 1'000'000'000, .bytes_per_flow = 1000});
  test::Guarded memory;
  for (std::size_t size = 1; size <= 700; ++size)
    for (const Side side : {Side::client, Side::server}) {
      const std::vector<std::uint8_t> text(size, 'a');
      const Payload payload{.bytes = memory.hold(text), .side = side};
      matcher->match(payload, base::seconds(size));
      matcher->match_segment(payload, {{size}, 0}, base::seconds(size));
    }
  EXPECT_EQ(matcher->counters().payloads.value(), 4 * 700u);
}

TEST(Matcher, looks_at_nothing_where_there_is_nothing) {
  const auto matcher = matcher_of(database_of({{}}));
  EXPECT_TRUE(matcher->match({}, {}).empty());
  EXPECT_TRUE(matcher->match_segment({}, {}, {}).empty());
  EXPECT_EQ(matcher->streams_followed(), 0u);
}

}  // namespace
}  // namespace edgesentry::signature
