#include "store/event_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/scratch.h"

namespace edgesentry::store {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kStart = 1'700'000'000'000'000;

EventRecord event_of(std::uint32_t number) {
  EventRecord event;
  event.time = kStart + number * 1'000'000;
  event.action = number % 2 == 0 ? "source-blocked" : "scan-detected";
  event.source = base::Prefix(base::Ip::v4(0x0a000000 + number % 10), 32);
  event.line = R"({"message":"event )" + std::to_string(number) + "\"}";
  return event;
}

std::vector<EventRecord> events_of(std::uint32_t first, std::uint32_t count) {
  std::vector<EventRecord> events;
  for (std::uint32_t i = 0; i < count; ++i) events.push_back(event_of(first + i));
  return events;
}

class EventStoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<EventStore> open() {
    OpenedEvents opened = EventStore::open(path_);
    notes_ = std::move(opened.notes);
    return std::move(opened.store);
  }
  static std::vector<std::string> lines(const EventPage& page) {
    std::vector<std::string> lines;
    for (const KeptEvent& kept : page.events) lines.push_back(kept.event.line);
    return lines;
  }

  test::Scratch folder_;
  const std::string path_ = folder_.path() + "/state-events.db";
  std::vector<std::string> notes_;
};

TEST_F(EventStoreTest, gives_back_the_newest_first_after_a_restart) {
  ASSERT_TRUE(open()->write(events_of(0, 5)));
  auto store = open();
  EXPECT_TRUE(notes_.empty());
  const auto page = store->read({.count = 2});
  ASSERT_TRUE(page);
  EXPECT_EQ(lines(page.value()), (std::vector<std::string>{event_of(4).line, event_of(3).line}));
  EXPECT_EQ(page.value().events[0].event.time, event_of(4).time);
  EXPECT_EQ(page.value().events[0].event.action, "source-blocked");
  EXPECT_EQ(page.value().events[0].event.source, event_of(4).source);
}

TEST_F(EventStoreTest, goes_on_where_a_page_ended_and_shows_every_event_once) {
  auto store = open();
  ASSERT_TRUE(store->write(events_of(0, 95)));
  std::vector<std::string> all;
  EventQuery query{.count = 10};
  for (int pages = 0; pages < 20; ++pages) {
    const auto page = store->read(query);
    ASSERT_TRUE(page);
    for (std::string& line : lines(page.value())) all.push_back(std::move(line));
    if (page.value().next == 0) break;
    query.before = page.value().next;
  }
  ASSERT_EQ(all.size(), 95u);
  for (std::uint32_t i = 0; i < 95; ++i) EXPECT_EQ(all[i], event_of(94 - i).line);
}

TEST_F(EventStoreTest, finds_one_source_one_action_and_a_span_of_time) {
  auto store = open();
  ASSERT_TRUE(store->write(events_of(0, 40)));
  EventRecord ipv6 = event_of(7);
  ipv6.source = base::Prefix::parse("2001:db8:1:2::/64");
  EventRecord own = event_of(8);
  own.source = std::nullopt;
  ASSERT_TRUE(store->write(std::vector{ipv6, own}));

  EXPECT_EQ(store->read({.source = base::Ip::v4(0x0a000003)}).value().events.size(), 4u);
  const auto six = store->read({.source = base::Ip::parse("2001:db8:1:2::")});
  ASSERT_EQ(six.value().events.size(), 1u);
  EXPECT_EQ(six.value().events[0].event.source, ipv6.source);
  EXPECT_EQ(store->read({.action = "scan-detected"}).value().events.size(), 21u);
  const auto span =
      store->read({.since = event_of(10).time, .until = event_of(14).time}).value().events;
  EXPECT_EQ(span.size(), 5u);
  EXPECT_TRUE(store->read({.action = "'; DROP TABLE event; --"}).value().events.empty());
  EXPECT_EQ(store->read({.count = 500}).value().events.size(), 42u);
}

TEST_F(EventStoreTest, deletes_what_is_too_old_and_never_gives_its_number_again) {
  auto store = open();
  ASSERT_TRUE(store->write(events_of(0, 10)));
  const std::int64_t last = store->read({.count = 1}).value().events[0].number;
  ASSERT_TRUE(store->prune(event_of(10).time, ~std::uint64_t{0}).value());
  EXPECT_FALSE(store->prune(event_of(10).time, ~std::uint64_t{0}).value());
  EXPECT_TRUE(store->read({}).value().events.empty());
  ASSERT_TRUE(store->write(events_of(20, 1)));
  EXPECT_GT(store->read({}).value().events[0].number, last);
}

TEST_F(EventStoreTest, keeps_the_newest_within_its_size_and_gives_the_disk_back) {
  auto store = open();
  std::vector<EventRecord> events = events_of(0, 20'000);
  for (EventRecord& event : events) event.line.append(1000, 'x');
  ASSERT_TRUE(store->write(events));
  constexpr std::uint64_t kMost = 4 << 20;
  ASSERT_GT(store->bytes().value(), kMost);
  while (store->prune(0, kMost).value()) continue;
  EXPECT_LE(store->bytes().value(), kMost);
  const auto left = store->read({.count = 1}).value().events;
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].event.time, event_of(19'999).time);
  ASSERT_TRUE(store->settle());
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(store->prune(0, ~std::uint64_t{0}));
  ASSERT_TRUE(store->settle());
  EXPECT_LE(fs::file_size(path_), 2 * kMost);
}

TEST_F(EventStoreTest, begins_anew_beside_a_file_of_garbage) {
  std::ofstream(path_) << std::string(10'000, 'g');
  fs::permissions(path_, fs::perms::owner_read | fs::perms::owner_write);
  auto store = open();
  ASSERT_NE(store, nullptr);
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_NE(notes_[0].find(path_ + ".damaged"), std::string::npos);
  EXPECT_TRUE(fs::exists(path_ + ".damaged"));
  EXPECT_TRUE(store->write(events_of(0, 1)));
}

TEST_F(EventStoreTest, shows_a_row_with_a_senseless_source_without_one) {
  auto store = open();
  ASSERT_TRUE(store->write(events_of(0, 1)));
  auto database = Database::open(path_, Database::Access::read_write);
  ASSERT_TRUE(database.value().run("UPDATE event SET address = x'0102', bits = 900"));
  const auto page = store->read({});
  ASSERT_EQ(page.value().events.size(), 1u);
  EXPECT_FALSE(page.value().events[0].event.source.has_value());
}

}  // namespace
}  // namespace edgesentry::store
