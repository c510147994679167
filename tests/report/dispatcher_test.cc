#include "report/dispatcher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <latch>
#include <mutex>

#include "config/config.h"
#include "report/sinks.h"
#include "samples.h"
#include "temp_directory.h"

namespace edgesentry::report {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Notebook {
  std::mutex mutex;
  std::vector<std::string> texts;
  bool finished = false;

  std::vector<std::string> read() {
    const std::lock_guard lock(mutex);
    return texts;
  }
};

class MemorySink final : public Sink {
 public:
  explicit MemorySink(Notebook& notebook, base::Status answer = {})
      : notebook_(notebook), answer_(std::move(answer)) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "memory"; }
  base::Status write(const Event& event) override {
    const std::lock_guard lock(notebook_.mutex);
    notebook_.texts.push_back(event.text);
    return answer_;
  }
  base::Status flush() override { return answer_; }
  base::Status finish() override {
    notebook_.finished = true;
    return answer_;
  }

 private:
  Notebook& notebook_;
  base::Status answer_;
};

// Stops in its first write until it is let go.
class StuckSink final : public Sink {
 public:
  StuckSink(std::latch& arrived, std::latch& go) : arrived_(arrived), go_(go) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "stuck"; }
  base::Status write(const Event&) override {
    if (!std::exchange(was_stuck_, true)) {
      arrived_.count_down();
      go_.wait();
    }
    return {};
  }
  base::Status flush() override { return {}; }
  base::Status finish() override { return {}; }

 private:
  std::latch& arrived_;
  std::latch& go_;
  bool was_stuck_ = false;
};

template <class... Sinks>
std::vector<std::unique_ptr<Sink>> list(std::unique_ptr<Sinks>... sinks) {
  std::vector<std::unique_ptr<Sink>> all;
  (all.push_back(std::move(sinks)), ...);
  return all;
}

Event numbered(int number) {
  Event event = sample_event();
  event.text = std::to_string(number);
  return event;
}

TEST(Dispatcher, writes_everything_in_order_to_every_sink_before_it_stops) {
  Notebook one;
  Notebook two;
  Dispatcher dispatcher(list(std::make_unique<MemorySink>(one), std::make_unique<MemorySink>(two)));
  for (int i = 0; i < 5000; ++i) ASSERT_TRUE(dispatcher.offer(numbered(i)));
  dispatcher.stop(seconds(60));
  const std::vector<std::string> texts = one.read();
  ASSERT_EQ(texts.size(), 5000u);
  for (int i = 0; i < 5000; ++i) EXPECT_EQ(texts[static_cast<std::size_t>(i)], std::to_string(i));
  EXPECT_EQ(two.read(), texts);
  EXPECT_TRUE(one.finished);
  EXPECT_EQ(dispatcher.refused(), 0u);
}

TEST(Dispatcher, refuses_and_counts_instead_of_waiting_when_a_sink_is_stuck) {
  std::latch arrived(1);
  std::latch go(1);
  Dispatcher dispatcher(list(std::make_unique<StuckSink>(arrived, go)), 10);
  ASSERT_TRUE(dispatcher.offer(numbered(0)));
  arrived.wait();
  int taken = 0;
  for (int i = 0; i < 100; ++i) taken += dispatcher.offer(numbered(i)) ? 1 : 0;
  EXPECT_EQ(taken, 10);
  EXPECT_EQ(dispatcher.refused(), 90u);
  EXPECT_EQ(dispatcher.queued(), 10u);
  go.count_down();
  dispatcher.stop(seconds(60));
  EXPECT_EQ(dispatcher.queued(), 0u);
  EXPECT_EQ(dispatcher.refused(), 90u);
}

TEST(Dispatcher, counts_what_it_abandons_when_there_is_no_time_to_drain) {
  std::latch arrived(1);
  std::latch go(1);
  Dispatcher dispatcher(list(std::make_unique<StuckSink>(arrived, go)), 100'000);
  ASSERT_TRUE(dispatcher.offer(numbered(0)));
  arrived.wait();
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(dispatcher.offer(numbered(i)));
  std::thread stopper([&] { dispatcher.stop(milliseconds(0)); });
  // Until it is known to be stopping; the queue has room for many more.
  while (dispatcher.offer(numbered(1))) std::this_thread::yield();
  go.count_down();
  stopper.join();
  // The round in which it was stuck is still finished: 255 events, no more.
  EXPECT_GE(dispatcher.refused(), 1000u - 255u);
}

TEST(Dispatcher, tells_the_other_sinks_once_that_one_is_degraded) {
  Notebook healthy;
  Notebook broken;
  Dispatcher dispatcher(list(std::make_unique<MemorySink>(broken, base::Error{"disk full"}),
                             std::make_unique<MemorySink>(healthy)));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(dispatcher.offer(numbered(i)));
  dispatcher.stop(seconds(60));
  EXPECT_EQ(healthy.read(), (std::vector<std::string>{"disk full", "0", "1", "2"}));
  EXPECT_EQ(broken.read(), (std::vector<std::string>{"0", "1", "2"}));
  ASSERT_EQ(dispatcher.health().size(), 2u);
  EXPECT_EQ(dispatcher.health()[0].trouble, "disk full");
  EXPECT_EQ(dispatcher.health()[1].trouble, "");
}

TEST(Dispatcher, says_once_that_a_log_file_cannot_be_written_and_once_that_it_can_again) {
  const TempDirectory directory;
  const std::string blocked = directory / "logs";
  std::ofstream(blocked) << "a file where the directory of the log has to be";
  config::Log log;
  log.syslog = false;
  log.json_file = blocked + "/events.json";
  std::mutex mutex;
  std::vector<std::string> said;
  Dispatcher dispatcher(make_sinks(log, ""), 100, [&](const std::string& sentence) {
    const std::lock_guard lock(mutex);
    said.push_back(sentence);
  });
  const auto count = [&] {
    const std::lock_guard lock(mutex);
    return said.size();
  };
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(dispatcher.offer(numbered(i)));
  while (count() == 0) std::this_thread::yield();
  const SinkHealth broken = dispatcher.health().front();
  EXPECT_EQ(broken.name, "json");
  EXPECT_EQ(broken.place, log.json_file);
  EXPECT_GT(broken.since.time_since_epoch().count(), 0);
  EXPECT_NE(broken.trouble.find("its directory cannot be made"), std::string::npos);
  EXPECT_NE(broken.trouble.find("create it by hand"), std::string::npos);

  std::filesystem::remove(blocked);
  while (count() == 1) std::this_thread::yield();
  EXPECT_EQ(dispatcher.health().front().trouble, "");
  dispatcher.stop(seconds(60));
  ASSERT_EQ(said.size(), 2u);
  EXPECT_TRUE(said[0].starts_with("log file " + log.json_file)) << said[0];
  EXPECT_NE(said[0].find("tried again"), std::string::npos);
  EXPECT_NE(said[1].find("the json log " + log.json_file + " is written again"), std::string::npos);
  EXPECT_NE(said[1].find("0 events are missing"), std::string::npos);
  const std::string text = contents(log.json_file);
  EXPECT_EQ(std::ranges::count(text, '\n'), 5);
}

TEST(Dispatcher, says_at_the_end_how_much_a_broken_log_has_lost) {
  const TempDirectory directory;
  config::Log log;
  log.syslog = false;
  log.json_file = directory / "";  // a directory is no log file
  std::vector<std::string> said;
  Dispatcher dispatcher(make_sinks(log, ""), 100,
                        [&](const std::string& sentence) { said.push_back(sentence); });
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(dispatcher.offer(numbered(i)));
  dispatcher.stop(seconds(60));
  ASSERT_EQ(said.size(), 2u);
  EXPECT_TRUE(said[1].starts_with("3 events end unwritten: log file ")) << said[1];
}

TEST(Dispatcher, takes_offers_from_several_threads_and_accounts_for_each) {
  Notebook notebook;
  Dispatcher dispatcher(list(std::make_unique<MemorySink>(notebook)), 64);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) dispatcher.offer(numbered(i));
    });
  for (std::thread& thread : threads) thread.join();
  dispatcher.stop(seconds(60));
  EXPECT_EQ(notebook.read().size() + dispatcher.refused(), 8000u);
}

TEST(Sinks, are_those_that_the_configuration_names) {
  config::Log log;
  log.syslog = false;
  EXPECT_TRUE(make_sinks(log, "/nonexistent/log").empty());
  const TempDirectory directory;
  log.portsentry_file = directory / "history";
  log.json_file = directory / "events.json";
  log.syslog = true;
  auto sinks = make_sinks(log, directory / "no-daemon");
  ASSERT_EQ(sinks.size(), 3u);
  EXPECT_TRUE(sinks[0]->write(sample_event()).ok());
  EXPECT_TRUE(sinks[1]->write(sample_event()).ok());
  EXPECT_FALSE(sinks[2]->write(sample_event()).ok());
  EXPECT_NE(contents(log.portsentry_file).find("Scan from: [10.9.0.2]"), std::string::npos);
  EXPECT_TRUE(contents(log.json_file).starts_with("{\"@timestamp\""));
}

TEST(Sinks, say_in_the_history_how_many_a_line_stands_for) {
  const TempDirectory directory;
  config::Log log;
  log.syslog = false;
  log.portsentry_file = directory / "history";
  auto sinks = make_sinks(log, "");
  Event event = sample_event();
  event.stands_for = 3;
  ASSERT_TRUE(sinks[0]->write(event).ok());
  const std::string text = contents(log.portsentry_file);
  EXPECT_NE(text.find("blocked: [true]\n"), std::string::npos);
  EXPECT_TRUE(text.ends_with(" adminalert: 2 more like this were left out\n"));
}

}  // namespace
}  // namespace edgesentry::report
