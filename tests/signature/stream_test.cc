// Payloads as streams: split anywhere, lost, repeated, out of order, and too many of them.
#include <gtest/gtest.h>

#include "rig.h"

namespace edgesentry::signature {
namespace {

class Stream : public testing::Test {
 protected:
  // The ids found in `text` sent at that sequence number.
  std::string send(std::string_view text, std::uint32_t sequence, FlowKey flow = {1}) {
    return ids_of(*matcher_, matcher_->match_segment({bytes_of(text), Transport::tcp, side_, 21},
                                                     {flow, sequence}, base::seconds(1)));
  }
  const MatcherCounters& counters() const { return matcher_->counters(); }

  Side side_ = Side::client;
  std::shared_ptr<const Database> database_ =
      database_of({{"abc", "abcdef"},
                   {"first", "^START"},
                   {"failed", "^530 no", "login-failed", "server", "21", "tcp", "'multiline'"}});
  std::unique_ptr<Matcher> matcher_ =
      matcher_of(database_, {.flows_max = 4, .bytes_per_flow = 64, .bytes_per_payload = 32});
};

TEST_F(Stream, finds_a_pattern_split_at_each_byte) {
  const std::string_view text = "xxabcdefxx";
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    const FlowKey flow{cut};
    const std::string before = send(text.substr(0, cut), 1000, flow);
    const std::string behind = send(text.substr(cut), 1000 + static_cast<unsigned>(cut), flow);
    EXPECT_EQ(before + behind, "abc") << "cut at " << cut;
  }
}

TEST_F(Stream, goes_on_over_the_end_of_sequence_numbers) {
  EXPECT_EQ(send("xabc", 0xfffffffe), "");
  EXPECT_EQ(send("def", 2), "abc");
}

TEST_F(Stream, keeps_flows_and_sides_apart) {
  EXPECT_EQ(send("abc", 10, {1}), "");
  EXPECT_EQ(send("def", 13, {2}), "");
  side_ = Side::server;
  EXPECT_EQ(send("def", 13, {1}), "");
  side_ = Side::client;
  EXPECT_EQ(send("def", 13, {1}), "abc");
  EXPECT_EQ(matcher_->streams_followed(), 3u);
}

TEST_F(Stream, takes_an_anchor_for_the_start_of_the_connection) {
  EXPECT_EQ(send("xx", 10), "");
  EXPECT_EQ(send("START", 12), "");
  EXPECT_EQ(send("ST", 10, {2}), "");
  EXPECT_EQ(send("ART", 12, {2}), "first");
}

TEST_F(Stream, looks_at_a_segment_out_of_order_by_itself) {
  EXPECT_EQ(send("ab", 10), "");
  EXPECT_EQ(send("xabcdef", 20), "abc");
  EXPECT_EQ(send("cdef", 12), "abc");
  EXPECT_EQ(counters().out_of_order.value(), 1u);
  EXPECT_EQ(counters().streams_restarted.value(), 0u);
}

TEST_F(Stream, is_not_ended_by_segments_far_ahead) {
  EXPECT_EQ(send("abc", 10), "");
  EXPECT_EQ(send("zzz", 5000), "");
  EXPECT_EQ(send("zzz", 6000), "");
  EXPECT_EQ(send("def", 13), "abc");
}

TEST_F(Stream, starts_anew_behind_a_segment_that_was_lost) {
  EXPECT_EQ(send("x", 10), "");
  EXPECT_EQ(send("yy", 20), "");
  EXPECT_EQ(send("zz", 22), "");
  EXPECT_EQ(send("abc", 24), "");
  EXPECT_EQ(send("def", 27), "abc");
  EXPECT_EQ(counters().streams_restarted.value(), 1u);
  EXPECT_EQ(counters().out_of_order.value(), 2u);
}

TEST_F(Stream, takes_the_new_part_of_a_segment_that_overlaps) {
  EXPECT_EQ(send("xabcd", 10), "");
  EXPECT_EQ(send("cdef", 13), "abc");
}

TEST_F(Stream, counts_a_refused_login_once_however_often_it_is_sent) {
  side_ = Side::server;
  EXPECT_EQ(send("530 no\r\n", 10), "failed");
  EXPECT_EQ(send("530 no\r\n", 10), "");
  EXPECT_EQ(send("530 no\r\n", 18), "failed");
  EXPECT_EQ(send("530 no\r\n530 no\r\n", 10), "");
  EXPECT_EQ(counters().seen_again.value(), 2u);
  EXPECT_EQ(counters().hits[static_cast<std::size_t>(Kind::login_failed)].value(), 2u);
}

TEST_F(Stream, looks_again_at_what_the_source_sends_again) {
  EXPECT_EQ(send("xxxxxx", 10), "");
  EXPECT_EQ(send("abcdef", 10), "abc");
}

TEST_F(Stream, ends_at_its_bytes) {
  const std::string filling(60, 'x');
  EXPECT_EQ(send(filling, 10), "");
  EXPECT_EQ(send("abcdef", 70), "");
  EXPECT_EQ(send("abcdef", 76), "");
  EXPECT_EQ(counters().bytes.value(), 64u);
  EXPECT_EQ(counters().bytes_past_limits.value(), 8u);
  EXPECT_EQ(send("abcdef", 5000), "");
  EXPECT_EQ(counters().bytes.value(), 64u);
}

TEST_F(Stream, gives_its_place_back_when_its_bytes_are_spent) {
  EXPECT_EQ(send(std::string(64, 'x'), 10), "");
  EXPECT_EQ(matcher_->streams_followed(), 0u);
  for (std::uint32_t at = 74; at < 74 + 60'000; at += 600)
    EXPECT_EQ(send(std::string(600, 'x') + "abcdef", at), "");
  EXPECT_EQ(counters().streams_opened.value(), 1u);
  EXPECT_EQ(counters().bytes.value(), 64u);
}

TEST_F(Stream, is_a_new_one_where_its_ports_are_used_again) {
  EXPECT_EQ(send(std::string(64, 'x'), 10), "");
  EXPECT_EQ(send("abcdef", 0x40000000), "abc");
  EXPECT_EQ(send(std::string(64, 'x'), 10, {2}), "");
  matcher_->forget({2}, Side::client);
  EXPECT_EQ(send("abcdef", 74, {2}), "abc");
}

TEST_F(Stream, gives_its_place_to_a_newer_one_and_starts_clean) {
  EXPECT_EQ(send("abc", 10, {1}), "");
  for (std::uint64_t flow = 2; flow <= 5; ++flow) EXPECT_EQ(send("x", 10, {flow}), "");
  EXPECT_EQ(counters().streams_replaced.value(), 1u);
  EXPECT_EQ(matcher_->streams_followed(), 4u);
  EXPECT_EQ(send("def", 13, {1}), "");
  EXPECT_EQ(send("def", 11, {5}), "");
}

TEST_F(Stream, is_forgotten_when_the_connection_ends) {
  EXPECT_EQ(send("abc", 10), "");
  matcher_->forget({1}, Side::client);
  EXPECT_EQ(matcher_->streams_followed(), 0u);
  EXPECT_EQ(send("def", 13), "");
  matcher_->forget({77}, Side::server);
}

TEST_F(Stream, starts_anew_where_the_budget_cut_it) {
  matcher_ = matcher_of(database_, {.bytes_per_second = 1000, .bytes_at_once = 10});
  EXPECT_EQ(send("xxxxxxxabc", 10), "");
  EXPECT_EQ(send("def", 20), "");
  EXPECT_EQ(counters().payloads_refused.value(), 1u);
}

TEST_F(Stream, without_places_looks_at_each_segment_by_itself) {
  matcher_ = matcher_of(database_, {.flows_max = 0});
  EXPECT_EQ(send("abc", 10), "");
  EXPECT_EQ(send("def", 13), "");
  EXPECT_EQ(send("abcdef", 16), "abc");
}

class Conversation : public Stream {
 protected:
  // The same, acknowledging so much of what the other side said.
  std::string answer(std::string_view text, std::uint32_t acknowledgement, bool renew = true) {
    const Hits hits =
        matcher_->match_segment({bytes_of(text), Transport::tcp, side_, 21},
                                {{1}, next_, {acknowledgement, renew}}, base::seconds(1));
    next_ += static_cast<std::uint32_t>(text.size());
    return ids_of(*matcher_, hits);
  }
  std::uint32_t next_ = 10;
};

TEST_F(Conversation, is_looked_at_again_when_the_other_side_has_spoken) {
  side_ = Side::server;
  for (std::uint32_t turn = 1; turn <= 200; ++turn)
    EXPECT_EQ(answer("530 no\r\n", turn), "failed") << turn;
  EXPECT_EQ(answer(std::string(6000, 'x') + "\r\n", 201), "");
  EXPECT_EQ(answer("530 no\r\n", 202), "failed") << "behind what was not looked at";
}

TEST_F(Conversation, transfer_is_one_turn) {
  side_ = Side::server;
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(answer(std::string(600, 'x'), 1), "");
  EXPECT_EQ(counters().bytes.value(), 64u);
  EXPECT_EQ(answer("530 no\r\n", 1), "") << "not at the start of a turn";
  EXPECT_EQ(counters().turns.value(), 0u);
}

TEST_F(Conversation, without_turns_ends_at_its_bytes) {
  side_ = Side::server;
  EXPECT_EQ(answer(std::string(64, 'x'), 1, false), "");
  EXPECT_EQ(answer("530 no\r\n", 2, false), "");
}

TEST_F(Conversation, client_has_room_for_padding_and_cannot_end_its_turns) {
  matcher_ = matcher_of(database_, {.bytes_per_flow = 64, .bytes_per_request = 200});
  EXPECT_EQ(answer(std::string(190, 'x') + "abcdef", 1), "abc");
  EXPECT_EQ(answer(std::string(300, 'x'), 0x7fffffff), "") << "of nothing that was said";
  EXPECT_EQ(answer("abcdef", 2), "abc");
}

TEST_F(Conversation, pattern_goes_on_over_the_turn) {
  EXPECT_EQ(answer("abc", 1), "");
  EXPECT_EQ(answer("def", 2), "abc");
}

TEST_F(Conversation, leaves_a_quarter_of_the_budget_to_those_that_begin) {
  matcher_ = matcher_of(database_, {.bytes_per_second = 1000, .bytes_at_once = 1000});
  side_ = Side::server;
  for (std::uint32_t turn = 1; turn <= 20; ++turn) answer(std::string(100, 'x'), turn);
  EXPECT_LE(counters().bytes.value(), 750u);
  EXPECT_GT(counters().payloads_refused.value(), 0u);
  EXPECT_EQ(send("530 no\r\n", 10, {2}), "failed");
}

}  // namespace
}  // namespace edgesentry::signature
