#include "store/event_keeper.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "support/scratch.h"

namespace edgesentry::store {
namespace {

EventRecord event_of(std::uint32_t number) {
  EventRecord event;
  event.time = std::chrono::duration_cast<std::chrono::microseconds>(
                   std::chrono::system_clock::now().time_since_epoch())
                   .count();
  event.action = "source-blocked";
  event.line = std::to_string(number);
  return event;
}

class EventKeeperTest : public ::testing::Test {
 protected:
  void start(std::size_t waiting_max = 1u << 14) {
    keeper_ = std::make_unique<EventKeeper>(
        EventKeeperSettings{.path = path_, .waiting_max = waiting_max},
        [this](const std::string& sentence) { said_.push_back(sentence); });
  }
  // Asked after what was put, so that it waits for the disk as well.
  EventPage ask(EventQuery query = {}) {
    auto promise = std::make_shared<std::promise<EventPage>>();
    EXPECT_TRUE(keeper_->ask(query, [promise](EventPage&& page) { promise->set_value(page); }));
    return promise->get_future().get();
  }

  test::Scratch folder_;
  std::string path_ = folder_.path() + "/state-events.db";
  std::vector<std::string> said_;
  std::unique_ptr<EventKeeper> keeper_;
};

TEST_F(EventKeeperTest, answers_with_what_was_put_before) {
  start();
  for (std::uint32_t i = 0; i < 50; ++i) EXPECT_TRUE(keeper_->put(event_of(i)));
  const EventPage page = ask();
  ASSERT_EQ(page.events.size(), 50u);
  EXPECT_EQ(page.events[0].event.line, "49");
  EXPECT_EQ(keeper_->numbers().written.value(), 50u);
}

TEST_F(EventKeeperTest, has_written_all_when_it_stops) {
  start();
  for (std::uint32_t i = 0; i < 500; ++i) EXPECT_TRUE(keeper_->put(event_of(i)));
  keeper_->stop();
  start();
  EXPECT_EQ(ask({.count = 1000}).events.size(), 500u);
  EXPECT_TRUE(said_.empty());
}

TEST_F(EventKeeperTest, waits_in_memory_for_a_folder_that_comes_later_and_counts_what_is_lost) {
  path_ = folder_.path() + "/later/state-events.db";
  start(10);
  EXPECT_EQ(keeper_->numbers().degraded.value(), 1u);
  EXPECT_FALSE(keeper_->trouble().empty());
  EXPECT_FALSE(ask().trouble.empty());
  std::uint32_t taken = 0;
  for (std::uint32_t i = 0; i < 25; ++i) taken += keeper_->put(event_of(i)) ? 1 : 0;
  std::filesystem::create_directory(folder_.path() + "/later");
  EventPage page = ask({.count = 1000});
  for (int i = 0; i < 200 && page.events.empty(); ++i) page = ask({.count = 1000});
  const EventKeeperNumbers& numbers = keeper_->numbers();
  EXPECT_EQ(numbers.written.value() + numbers.lost.value(), 25u);
  EXPECT_EQ(page.events.size(), numbers.written.value());
  EXPECT_GE(numbers.written.value(), 10u);
  EXPECT_EQ(numbers.degraded.value(), 0u);
  EXPECT_TRUE(keeper_->trouble().empty());
}

TEST_F(EventKeeperTest, answers_every_question_that_it_took_even_at_the_end) {
  start();
  int answered = 0, asked = 0;
  for (int i = 0; i < 200; ++i) asked += keeper_->ask({}, [&](EventPage&&) { ++answered; }) ? 1 : 0;
  EXPECT_GE(asked, 1);
  keeper_->stop();
  EXPECT_EQ(answered, asked);
  EXPECT_FALSE(keeper_->ask({}, [](EventPage&&) { FAIL(); }));
}

}  // namespace
}  // namespace edgesentry::store
