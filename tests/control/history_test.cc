// Events of earlier days: kept by a sink, looked for by a command.
#include "control/history.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "control/rig.h"
#include "support/scratch.h"

namespace edgesentry::control {
namespace {

using test::Rig;

class HistoryTest : public ::testing::Test {
 protected:
  HistoryTest() {
    keeper_ = std::make_unique<store::EventKeeper>(
        store::EventKeeperSettings{.path = folder_.path() + "/state-events.db",
                                   .keep_for = std::chrono::hours(24 * 36500)},
        [](const std::string&) {});
    test::RigSettings settings;
    settings.history = keeper_.get();
    rig_ = std::make_unique<Rig>(settings);
  }
  void write(HistorySink& sink, const std::string& source, report::Action action,
             const std::string& text, std::chrono::hours ago = {}) {
    report::Event event;
    event.action = action;
    event.time = rig_->clock.wall() - ago;
    if (!source.empty()) event.source = *base::Prefix::parse(source);
    event.text = text;
    ASSERT_TRUE(sink.write(event));
  }
  nlohmann::json ask(nlohmann::json request) {
    request["command"] = "history";
    return rig_->ask(request);
  }

  test::Scratch folder_;
  std::unique_ptr<store::EventKeeper> keeper_;
  std::unique_ptr<Rig> rig_;
};

TEST_F(HistoryTest, tells_what_the_sink_has_kept) {
  HistorySink sink(*keeper_, 1000);
  write(sink, "192.0.2.9", report::Action::source_blocked, "first", std::chrono::hours(50));
  write(sink, "2001:db8:1:2::/64", report::Action::scan_detected, "second", std::chrono::hours(30));
  write(sink, "", report::Action::appliance, "third");
  const auto all = ask({});
  ASSERT_TRUE(all["ok"]) << all;
  ASSERT_EQ(all["events"].size(), 3u);
  EXPECT_EQ(all["events"][0]["text"], "third");
  EXPECT_FALSE(all["events"][0].contains("source"));
  EXPECT_EQ(all["events"][2]["source"], "192.0.2.9");
  EXPECT_EQ(all["events"][2]["action"], "source-blocked");
  EXPECT_EQ(all["events"][2]["record"]["event"]["reason"], "first");
  EXPECT_FALSE(all.contains("next"));

  EXPECT_EQ(ask({{"address", "192.0.2.9"}})["events"].size(), 1u);
  EXPECT_EQ(ask({{"address", "2001:db8:1:2::77"}})["events"].size(), 1u);
  EXPECT_EQ(ask({{"action", "scan-detected"}})["events"][0]["text"], "second");
  EXPECT_EQ(ask({{"since", "40h"}})["events"].size(), 2u);
  EXPECT_EQ(ask({{"since", "60h"}, {"until", "40h"}})["events"][0]["text"], "first");
  const auto page = ask({{"count", 2}});
  ASSERT_EQ(page["events"].size(), 2u);
  EXPECT_EQ(ask({{"count", 2}, {"before", page["next"]}})["events"].size(), 1u);
}

TEST_F(HistoryTest, names_the_fault_of_a_request) {
  for (const nlohmann::json& wrong :
       {nlohmann::json{{"address", "somebody"}}, nlohmann::json{{"count", 501}},
        nlohmann::json{{"count", 0}}, nlohmann::json{{"before", 0}},
        nlohmann::json{{"since", "yesterday"}}, nlohmann::json{{"action", 7}},
        nlohmann::json{{"colour", "red"}}}) {
    const auto reply = ask(wrong);
    EXPECT_EQ(reply["ok"], false) << wrong;
    EXPECT_FALSE(reply["error"].get<std::string>().empty());
  }
}

TEST_F(HistoryTest, keeps_no_more_lines_in_a_second_than_the_limit_and_counts_the_rest) {
  HistorySink sink(*keeper_, 10);
  for (int i = 0; i < 500; ++i)
    write(sink, "192.0.2.9", report::Action::source_blocked, std::to_string(i));
  ASSERT_TRUE(sink.finish());
  const report::SinkNumbers& numbers = sink.numbers();
  EXPECT_EQ(numbers.written.value() + numbers.limited.value(), 500u);
  EXPECT_GT(numbers.limited.value(), 0u);
  EXPECT_EQ(ask({{"count", 500}})["events"].size(), numbers.written.value());
}

TEST_F(HistoryTest, shows_a_line_that_is_no_json_as_it_stands) {
  ASSERT_TRUE(keeper_->put({.time = 1, .action = "x", .source = {}, .line = "{broken"}));
  const auto reply = ask({});
  ASSERT_TRUE(reply["ok"]) << reply;
  EXPECT_EQ(reply["events"][0]["record"], "{broken");
}

TEST(History, says_what_to_do_where_nothing_is_kept) {
  Rig rig;
  const auto reply = rig.ask({{"command", "history"}});
  EXPECT_EQ(reply["ok"], false);
  EXPECT_NE(reply["error"].get<std::string>().find("state.events_mb"), std::string::npos);
}

}  // namespace
}  // namespace edgesentry::control
