#include "serve/event_feed.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace edgesentry::serve {
namespace {

constexpr std::uint64_t kRun = 77;
constexpr std::chrono::seconds kSilenceMax{15};
using Time = std::chrono::steady_clock::time_point;
using StreamPtr = std::shared_ptr<EventFeed::Stream>;

class EventFeedTest : public testing::Test {
 protected:
  void offer(std::uint64_t count) {
    report::Event event;
    for (; count > 0; --count) {
      event.text = fmt::format("the {}th", offered_);
      feed_.offer(offered_++, event);
    }
  }
  void pump_all() {
    for (std::size_t taken = 0; taken <= EventFeed::kQueueMax; taken += EventFeed::kHeld / 2)
      feed_.pump(now_);
  }
  void happen(std::uint64_t count) {
    for (; count > 0; count -= std::min<std::uint64_t>(count, 1'000)) {
      offer(std::min<std::uint64_t>(count, 1'000));
      feed_.pump(now_);
    }
  }
  StreamPtr open(std::string_view last_event_id = {}) {
    StreamPtr stream = feed_.open(last_event_id);
    if (stream) {
      stream->wake = [this] { ++woken_; };
      stream->cut = [this] { ++cut_; };
    }
    return stream;
  }
  EventFeed::Progress read(EventFeed::Stream& stream, std::size_t room, std::string& text) {
    std::string part(room, '\0');
    std::size_t size = 0;
    const auto progress = feed_.read(stream, part.data(), room, size, [this] { ++slept_; });
    text += part.substr(0, size);
    return progress;
  }
  std::string read_all(EventFeed::Stream& stream, std::size_t room = 4096) {
    std::string text;
    while (read(stream, room, text) == EventFeed::Progress::some) continue;
    return text;
  }
  static std::vector<std::uint64_t> numbers_in(const std::string& text) {
    const std::string mark = fmt::format("id: {}-", kRun);
    std::vector<std::uint64_t> numbers;
    for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1))
      numbers.push_back(std::stoull(text.substr(at + mark.size(), 20)));
    return numbers;
  }
  static std::vector<std::uint64_t> range(std::uint64_t from, std::uint64_t end) {
    std::vector<std::uint64_t> numbers;
    for (; from < end; ++from) numbers.push_back(from);
    return numbers;
  }

  Time now_{};  // before any clock: nothing is silent for long unless a test says so
  EventFeed feed_{kRun, 2};
  std::uint64_t offered_ = 0;
  int woken_ = 0, cut_ = 0, slept_ = 0;
};

TEST_F(EventFeedTest, tells_a_new_client_what_happens_from_now_on) {
  happen(3);
  const StreamPtr stream = open();
  EXPECT_EQ(read_all(*stream), ": edgesentry\n\n");
  happen(2);
  const std::string text = read_all(*stream);
  EXPECT_EQ(numbers_in(text), range(3, 5));
  EXPECT_TRUE(text.starts_with("id: 77-3\nevent: appliance\ndata: {"));
  EXPECT_NE(text.find("\"text\":\"the 4th\""), std::string::npos);
  EXPECT_TRUE(text.ends_with("}\n\n"));
}

TEST_F(EventFeedTest, gives_the_same_text_however_small_the_pieces) {
  const StreamPtr large = open(), small = open();
  happen(20);
  EXPECT_EQ(read_all(*large, 1u << 20), read_all(*small, 1));
}

TEST_F(EventFeedTest, goes_on_where_a_client_stopped) {
  happen(10);
  const std::string text = read_all(*open("77-6"));
  EXPECT_EQ(numbers_in(text), range(7, 10));
  EXPECT_EQ(text.find("missed"), std::string::npos);
}

TEST_F(EventFeedTest, has_nothing_for_a_client_that_has_seen_the_newest) {
  happen(10);
  EXPECT_EQ(read_all(*open("77-9")), ": edgesentry\n\n");
}

TEST_F(EventFeedTest, says_that_something_is_missed_and_gives_what_there_is) {
  happen(10);
  // Another run, the future, and what only looks like a number.
  for (const char* id : {"76-6", "77-10", "77-", "77-6x", "77--1", "6", "x", "77-\xff",
                         "77-99999999999999999999", "777-6"}) {
    const StreamPtr stream = open(id);
    const std::string text = read_all(*stream);
    EXPECT_NE(text.find("event: missed\ndata: {\"after\": \"another run\"}\n\n"), std::string::npos)
        << id;
    EXPECT_EQ(numbers_in(text), range(0, 10)) << id;
    EXPECT_EQ(text.find('\xff'), std::string::npos);
    feed_.close(*stream);
  }
}

TEST_F(EventFeedTest, resumes_at_the_oldest_that_it_holds_without_a_word_about_missing) {
  happen(EventFeed::kHeld + 100);  // 100 is the oldest
  const StreamPtr at_the_edge = open("77-99"), beyond = open("77-98");
  std::string text = read_all(*at_the_edge);
  EXPECT_EQ(numbers_in(text), range(100, EventFeed::kHeld + 100));
  EXPECT_EQ(text.find("missed"), std::string::npos);
  text = read_all(*beyond);
  EXPECT_EQ(numbers_in(text), range(100, EventFeed::kHeld + 100));
  EXPECT_NE(text.find("event: missed\ndata: {\"after\": \"77-98\"}"), std::string::npos);
}

TEST_F(EventFeedTest, holds_a_bounded_number_however_many_happen) {
  happen(5 * EventFeed::kHeld);
  EXPECT_EQ(numbers_in(read_all(*open("1-1"))).size(), EventFeed::kHeld);
}

TEST_F(EventFeedTest, counts_what_finds_no_room_and_begins_anew_behind_the_gap) {
  offer(EventFeed::kQueueMax + 10);
  EXPECT_EQ(feed_.numbers().events_missed.load(), 10U);
  pump_all();
  happen(5);  // behind a gap of ten numbers
  const std::string text = read_all(*open("77-16383"));
  EXPECT_NE(text.find("event: missed"), std::string::npos);
  EXPECT_EQ(numbers_in(text), range(EventFeed::kQueueMax + 10, EventFeed::kQueueMax + 15));
}

TEST_F(EventFeedTest, keeps_a_reader_that_is_as_far_behind_as_it_may_be) {
  const StreamPtr stream = open();
  happen(EventFeed::kHeld);
  EXPECT_EQ(numbers_in(read_all(*stream)), range(0, EventFeed::kHeld));
  EXPECT_EQ(feed_.numbers().streams_dropped.load(), 0U);
}

TEST_F(EventFeedTest, drops_a_reader_that_is_further_behind_and_counts_it_once) {
  const StreamPtr slow = open(), quick = open();
  for (int round = 0; round < 20; ++round) {
    happen(1'000);
    read_all(*quick);
  }
  EXPECT_EQ(feed_.numbers().streams_dropped.load(), 1U);
  EXPECT_EQ(cut_, 1);
  std::string text;
  EXPECT_EQ(read(*slow, 4096, text), EventFeed::Progress::over);
  EXPECT_EQ(text, "");
  happen(1);
  EXPECT_EQ(numbers_in(read_all(*quick)), range(20'000, 20'001));
}

TEST_F(EventFeedTest, wakes_a_reader_once_for_what_came_while_it_slept) {
  const StreamPtr stream = open();
  read_all(*stream);
  EXPECT_EQ(slept_, 1);
  feed_.pump(now_);
  EXPECT_EQ(woken_, 0);
  happen(3);
  feed_.pump(now_);
  EXPECT_EQ(woken_, 1);
  EXPECT_EQ(numbers_in(read_all(*stream)), range(0, 3));
}

TEST_F(EventFeedTest, breaks_a_long_silence_with_a_comment) {
  const StreamPtr stream = open();
  read_all(*stream);
  happen(1);  // now_ is when it was spoken to
  read_all(*stream);
  now_ += kSilenceMax - std::chrono::milliseconds(1);
  feed_.pump(now_);
  EXPECT_EQ(read_all(*stream), "");
  now_ += std::chrono::milliseconds(1);
  feed_.pump(now_);
  EXPECT_EQ(read_all(*stream), ":\n\n");
  feed_.pump(now_);
  EXPECT_EQ(read_all(*stream), "");
}

TEST_F(EventFeedTest, has_as_many_streams_as_it_may_and_room_again_when_one_ends) {
  const StreamPtr first = open(), second = open();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(open(), nullptr);
  EXPECT_EQ(feed_.numbers().streams.load(), 2U);
  feed_.close(*first);
  EXPECT_EQ(feed_.numbers().streams.load(), 1U);
  EXPECT_NE(open(), nullptr);
}

TEST_F(EventFeedTest, does_not_touch_a_stream_that_was_closed) {
  const StreamPtr stream = open();
  read_all(*stream);
  feed_.close(*stream);
  happen(EventFeed::kHeld + 1);
  feed_.end();
  EXPECT_EQ(woken_ + cut_, 0);
  EXPECT_EQ(feed_.numbers().streams_dropped.load(), 0U);
}

TEST_F(EventFeedTest, ends_every_stream_and_takes_no_new_one_at_shutdown) {
  const StreamPtr asleep = open(), awake = open();
  read_all(*asleep);
  happen(1);
  read_all(*asleep);
  woken_ = 0;
  feed_.end();
  EXPECT_EQ(woken_, 1);
  std::string text;
  EXPECT_EQ(read(*asleep, 4096, text), EventFeed::Progress::over);
  EXPECT_EQ(read(*awake, 4096, text), EventFeed::Progress::over);
  EXPECT_EQ(text, "");
  feed_.close(*asleep);
  EXPECT_EQ(open(), nullptr);
  offer(10);  // the control thread may be still at it
  feed_.pump(now_);
}

}  // namespace
}  // namespace edgesentry::serve
