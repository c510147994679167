// What of the ledger outlives the process. Each Rig is one run of the appliance on the same file.
#include "control/archive.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>

#include "control/rig.h"
#include "support/scratch.h"

namespace edgesentry::control {
namespace {

using std::chrono_literals::operator""s;
using test::attacker;
using test::ip;
using test::Rig;
using test::RigSettings;

class ArchiveTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<Rig> run(RigSettings settings = {}) const {
    settings.state_file = path_;
    return std::make_unique<Rig>(settings);
  }
  static nlohmann::json block(Rig& rig, const std::string& address, const std::string& length) {
    return rig.ask({{"command", "block"}, {"address", address}, {"for", length}});
  }

  test::Scratch folder_;
  const std::string path_ = folder_.path() + "/state.db";
};

TEST_F(ArchiveTest, acknowledges_a_block_once_it_is_on_disk) {
  auto rig = run();
  const auto reply = block(*rig, "10.0.0.1", "10m");
  ASSERT_TRUE(reply["ok"]) << reply;
  EXPECT_EQ(reply["durable"], true) << reply;
  EXPECT_FALSE(reply.contains("warning"));
  // A copy of the file at this very moment has it.
  EXPECT_EQ(store::BlockStore::open(path_).records.size(), 1u);
}

TEST_F(ArchiveTest, has_the_same_blocks_with_the_same_ends_after_a_restart) {
  nlohmann::json before;
  {
    auto rig = run();
    ASSERT_TRUE(rig->send(0, rig->dropping_alert(attacker(1))));
    rig->settle();
    ASSERT_TRUE(rig->ask({{"command", "block"},
                          {"address", "2001:db8:5::1"},
                          {"for", "2h"},
                          {"reason", "asked for it"}})["ok"]);
    before = rig->ask({{"command", "blocked"}});
  }
  auto rig = run();
  EXPECT_EQ(rig->restored.blocked.size(), 2u);
  const auto after = rig->ask({{"command", "blocked"}});
  ASSERT_EQ(after["sources"].size(), 2u) << after;
  for (const auto& row : before["sources"]) {
    const auto same = std::ranges::find_if(
        after["sources"], [&](const auto& other) { return other["source"] == row["source"]; });
    ASSERT_NE(same, after["sources"].end()) << row;
    EXPECT_EQ((*same)["until"], row["until"]);
  }
  EXPECT_EQ(rig->numbers.blocks_active.value(), 2u);
  EXPECT_EQ(rig->numbers.blocks_restored.value(), 2u);
}

TEST_F(ArchiveTest, ends_a_restored_block_at_its_time) {
  {
    auto rig = run();
    ASSERT_TRUE(block(*rig, "10.0.0.1", "10m")["ok"]);
  }
  auto rig = run();
  ASSERT_EQ(rig->restored.blocked.size(), 1u);
  for (const base::Ip& source : rig->restored.blocked) rig->workers[0].drops.insert(source);
  rig->clock.advance(599s);
  rig->settle();
  EXPECT_TRUE(rig->workers[0].drops.contains(ip("10.0.0.1")));
  rig->clock.advance(2s);
  rig->settle();
  EXPECT_TRUE(rig->workers[0].drops.empty());
  EXPECT_EQ(rig->sink.count(report::Action::block_expired), 1u);
}

TEST_F(ArchiveTest, goes_on_with_the_ladder_where_it_was) {
  {
    auto rig = run();
    ASSERT_TRUE(rig->send(0, rig->dropping_alert(attacker(1))));
    rig->settle();
    rig->clock.advance(601s);
    rig->settle();
    EXPECT_EQ(rig->numbers.blocks_active.value(), 0u);
  }
  auto rig = run();
  EXPECT_EQ(rig->restored.remembered, 1u);
  ASSERT_TRUE(rig->send(0, rig->dropping_alert(attacker(1))));
  rig->settle();
  ASSERT_EQ(rig->sink.count(report::Action::source_blocked), 1u);
  EXPECT_EQ(rig->sink.last(report::Action::source_blocked)->offence, 2u);
}

TEST_F(ArchiveTest, sees_a_scanner_though_the_clock_was_set_back_meanwhile) {
  {
    auto rig = run();
    ASSERT_TRUE(rig->send(0, rig->dropping_alert(attacker(1))));
    rig->settle();
    rig->clock.advance(24 * 3600s);
    rig->settle();
  }
  auto rig = run();  // a day earlier
  ASSERT_TRUE(rig->send(0, rig->dropping_alert(attacker(1))));
  rig->settle();
  EXPECT_EQ(rig->sink.count(report::Action::source_blocked), 1u);
}

TEST_F(ArchiveTest, forgets_what_an_operator_took_back) {
  {
    auto rig = run();
    ASSERT_TRUE(block(*rig, "10.0.0.1", "10m")["ok"]);
    ASSERT_TRUE(rig->send(0, rig->dropping_alert(attacker(7))));
    rig->settle();
    ASSERT_TRUE(rig->ask({{"command", "unblock"}, {"address", "10.0.0.1"}})["ok"]);
    const auto source = attacker(7).to_string();
    ASSERT_TRUE(rig->ask({{"command", "unblock"}, {"address", source}})["durable"]);
  }
  EXPECT_TRUE(store::BlockStore::open(path_).records.empty());
}

TEST_F(ArchiveTest, puts_nobody_back_who_may_no_longer_be_blocked) {
  {
    auto rig = run();
    ASSERT_TRUE(block(*rig, "10.0.0.1", "10m")["ok"]);
    ASSERT_TRUE(block(*rig, "10.0.0.2", "10m")["ok"]);
  }
  {
    auto file = folder_.write("allow", "10.0.0.1\n");
    auto rig = run({.allow_file = file});
    EXPECT_EQ(rig->restored.blocked, std::vector<base::Ip>{ip("10.0.0.2")});
    EXPECT_EQ(rig->restored.ended, 1u);
    rig->settle();
  }
  EXPECT_EQ(store::BlockStore::open(path_).records.size(), 1u) << "and the file knows";
}

TEST_F(ArchiveTest, puts_nobody_back_in_observe_mode) {
  {
    auto rig = run();
    ASSERT_TRUE(block(*rig, "10.0.0.1", "10m")["ok"]);
  }
  {
    auto rig = run({.mode = config::Mode::observe});
    EXPECT_TRUE(rig->restored.blocked.empty());
    EXPECT_EQ(rig->restored.ended, 0u);
    EXPECT_EQ(rig->restored.waiting, 1u);
    EXPECT_EQ(rig->ask({{"command", "status"}})["blocks"]["active"], 0);
  }
  auto rig = run();
  EXPECT_EQ(rig->restored.blocked.size(), 1u) << "its time is not over";
}

TEST_F(ArchiveTest, says_how_many_found_no_room) {
  {
    auto rig = run();
    for (int i = 1; i <= 20; ++i)
      ASSERT_TRUE(block(*rig, "10.0.1." + std::to_string(i), "10m")["ok"]);
  }
  auto rig = run({.blocks = 8});
  EXPECT_EQ(rig->restored.blocked.size(), 8u);
  EXPECT_EQ(rig->restored.refused, 12u);
}

TEST_F(ArchiveTest, moves_the_ends_in_the_file_when_the_wall_clock_is_set) {
  auto rig = run();
  ASSERT_TRUE(block(*rig, "10.0.0.1", "10m")["ok"]);
  const auto before = store::BlockStore::open(path_).records.at(0).until;
  rig->clock.set_wall(3600s);
  rig->settle();
  rig->loop.reset();
  rig->keeper->stop();
  const auto after = store::BlockStore::open(path_).records.at(0).until;
  EXPECT_EQ(after - before, 3'600'000'000);
}

TEST_F(ArchiveTest, blocks_all_the_same_without_a_disk_and_says_so) {
  RigSettings settings;
  settings.state_file = folder_.path() + "/no/such/folder/state.db";
  Rig rig(settings);
  const auto reply = block(rig, "10.0.0.1", "10m");
  ASSERT_TRUE(reply["ok"]) << reply;
  EXPECT_EQ(reply["durable"], false);
  EXPECT_NE(reply["warning"].get<std::string>().find("not on disk"), std::string::npos) << reply;
  EXPECT_TRUE(rig.workers[0].drops.contains(ip("10.0.0.1")));
  const auto status = rig.ask({{"command", "status"}});
  EXPECT_EQ(status["state"]["state"], "degraded") << status["state"];
  EXPECT_TRUE(status["state"].contains("trouble"));
}

TEST_F(ArchiveTest, still_allows_what_an_operator_allowed) {
  {
    auto rig = run();
    ASSERT_TRUE(block(*rig, "10.0.0.1", "10m")["ok"]);
    ASSERT_TRUE(block(*rig, "10.0.0.9", "10m")["ok"]);
    for (const char* network : {"10.0.0.0/30", "2001:db8:7::/48", "10.3.0.0/16"}) {
      const auto reply = rig->ask({{"command", "allow"}, {"address", network}});
      EXPECT_EQ(reply["durable"], true) << reply;
    }
    const auto back = rig->ask({{"command", "unallow"}, {"address", "10.3.0.0/16"}});
    EXPECT_EQ(back["durable"], true) << back;
    ASSERT_TRUE(block(*rig, "10.3.0.1", "10m")["ok"]);
  }
  auto rig = run();
  EXPECT_EQ(rig->restored.allowed, 2u);
  EXPECT_EQ(rig->restored.blocked.size(), 2u);
  const auto refused = block(*rig, "10.0.0.1", "10m");
  EXPECT_FALSE(refused["ok"]);
  EXPECT_NE(refused["error"].get<std::string>().find("an operator allowed it"), std::string::npos);
  EXPECT_FALSE(block(*rig, "2001:db8:7:1::1", "10m")["ok"]);
  // A worker asks the same list before its own verdict.
  EXPECT_TRUE(rig->policy->current().allow.contains(ip("10.0.0.2")));
  EXPECT_TRUE(rig->ask({{"command", "unallow"}, {"address", "10.0.0.0/30"}})["ok"]);
}

TEST_F(ArchiveTest, says_that_an_allow_is_not_kept_without_a_disk) {
  RigSettings settings;
  settings.state_file = folder_.path() + "/nowhere/state.db";
  Rig rig(settings);
  const auto reply = rig.ask({{"command", "allow"}, {"address", "10.0.0.0/30"}});
  ASSERT_TRUE(reply["ok"]) << reply;
  EXPECT_EQ(reply["durable"], false);
  EXPECT_TRUE(reply.contains("warning"));
}

}  // namespace
}  // namespace edgesentry::control
