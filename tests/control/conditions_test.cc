#include "control/conditions.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "config/config.h"
#include "control/control_loop.h"
#include "control/rig.h"

namespace edgesentry::control {
namespace {

struct Said {
  std::vector<std::string> sentences;
  Conditions conditions{
      {"shed", "shed", "shed", "shed", "shed", "restart", "shed", "keep", "ignore", "say"},
      [this](const std::string& sentence) { sentences.push_back(sentence); }};
};

TEST(Conditions, says_the_begin_and_the_end_once) {
  Said said;
  for (std::uint64_t second = 1; second <= 5; ++second)
    said.conditions.look(Condition::link_down, true, "lan inside: no link", base::seconds(second));
  EXPECT_TRUE(said.conditions.is_active(Condition::link_down));
  for (std::uint64_t second = 6; second <= 20; ++second)
    said.conditions.look(Condition::link_down, false, "", base::seconds(second));
  EXPECT_FALSE(said.conditions.is_active(Condition::link_down));
  EXPECT_EQ(said.conditions.total(Condition::link_down), 1u);
  ASSERT_EQ(said.sentences.size(), 2u);
  EXPECT_NE(said.sentences[0].find("lan inside: no link (failure.link_down = ignore)"),
            std::string::npos);
  EXPECT_NE(said.sentences[1].find("over after 6 s"), std::string::npos) << said.sentences[1];
}

TEST(Conditions, goes_on_while_it_comes_and_goes) {
  Said said;
  const base::Micros quiet = quiet_time_of(Condition::ring_full);
  base::Micros now = base::seconds(1);
  for (int times = 0; times < 50; ++times) {
    said.conditions.look(Condition::ring_full, true, "alerts", now);
    now = base::Micros{now.value + quiet.value - 1};
    said.conditions.look(Condition::ring_full, false, "", now);
    ASSERT_TRUE(said.conditions.is_active(Condition::ring_full)) << times;
  }
  EXPECT_EQ(said.sentences.size(), 1u);
  said.conditions.look(Condition::ring_full, false, "", now + base::Micros{1});
  EXPECT_FALSE(said.conditions.is_active(Condition::ring_full));
  EXPECT_EQ(said.sentences.size(), 2u);
}

TEST(Conditions, counts_each_time_that_it_begins) {
  Said said;
  for (std::uint64_t minute = 1; minute <= 3; ++minute) {
    said.conditions.look(Condition::disk_full, true, "state.db", base::seconds(60 * minute));
    said.conditions.look(Condition::disk_full, false, "", base::seconds(60 * minute + 30));
  }
  EXPECT_EQ(said.conditions.total(Condition::disk_full), 3u);
  EXPECT_EQ(said.sentences.size(), 6u);
}

TEST(Conditions, keeps_conditions_apart_and_shows_the_newest_words) {
  Said said;
  said.conditions.look(Condition::worker_stalled, true, "worker 0 stands still", base::seconds(1));
  said.conditions.look(Condition::worker_stalled, true, "worker 0, worker 1", base::seconds(2));
  std::size_t active = 0;
  for (const Conditions::View& each : said.conditions.view()) {
    if (!each.is_active) continue;
    ++active;
    EXPECT_EQ(each.name, "worker_stalled");
    EXPECT_EQ(each.action, "restart");
    EXPECT_EQ(each.what, "worker 0, worker 1");
    EXPECT_EQ(each.began, base::seconds(1));
  }
  EXPECT_EQ(active, 1u);
  EXPECT_EQ(said.sentences.size(), 1u);
}

base::Ip source(unsigned number) {
  return *base::Ip::parse("203.0.113." + std::to_string(number));
}

void fill(test::Rig& rig, unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    ASSERT_TRUE(rig.send(0, rig.dropping_alert(source(i))));
    rig.settle();
    rig.clock.advance(std::chrono::seconds(1));
  }
}

bool drops(const test::Rig& rig, unsigned number) {
  return rig.workers[0].drops.contains(source(number));
}

test::RigSettings with(config::TableFull action) {
  test::RigSettings settings{.blocks = 4};
  settings.failure.table_full = action;
  return settings;
}

TEST(TableFull, lets_the_block_that_ends_soonest_give_way) {
  test::Rig rig(with(config::TableFull::shed));
  fill(rig, 6);
  EXPECT_FALSE(drops(rig, 0) || drops(rig, 1));
  EXPECT_TRUE(drops(rig, 2) && drops(rig, 3) && drops(rig, 4) && drops(rig, 5));
  EXPECT_EQ(rig.numbers.blocks_shed.value(), 2u);
  EXPECT_EQ(rig.numbers.blocks_refused.value(), 0u);
  EXPECT_EQ(rig.numbers.blocks_active.value(),
            rig.numbers.blocks_added.value() - rig.numbers.blocks_lifted.value());
}

TEST(TableFull, takes_no_operators_block_for_a_detectors) {
  test::Rig rig(with(config::TableFull::shed));
  for (unsigned i = 0; i < 4; ++i)
    rig.ask({{"command", "block"}, {"address", source(i).to_string()}, {"for", "1m"}});
  ASSERT_TRUE(rig.send(0, rig.dropping_alert(source(9))));
  rig.settle();
  EXPECT_TRUE(drops(rig, 0) && drops(rig, 1) && drops(rig, 2) && drops(rig, 3));
  EXPECT_FALSE(drops(rig, 9));
  EXPECT_EQ(rig.numbers.blocks_shed.value(), 0u);
  EXPECT_EQ(rig.numbers.blocks_refused.value(), 1u);
}

TEST(TableFull, only_reports_when_told_to_fail_open) {
  test::Rig rig(with(config::TableFull::open));
  fill(rig, 6);
  EXPECT_TRUE(drops(rig, 0) && drops(rig, 3));
  EXPECT_FALSE(drops(rig, 4) || drops(rig, 5));
  EXPECT_EQ(rig.numbers.blocks_refused.value(), 2u);
}

TEST(TableFull, contains_when_told_to) {
  test::Rig rig(with(config::TableFull::contain));
  fill(rig, 5);
  EXPECT_EQ(rig.workers[0].contained.count(source(4)), 1u);
  EXPECT_EQ(rig.numbers.blocks_refused.value(), 1u);
}

// Blocks go on being made in memory, or are only reported; at its end all is as before.
TEST(DiskFull, does_what_was_chosen_while_it_lasts) {
  for (const auto action : {config::DiskFull::shed, config::DiskFull::open}) {
    Said said;
    test::RigSettings settings;
    settings.failure.disk_full = action;
    settings.conditions = &said.conditions;
    test::Rig rig(settings);
    said.conditions.look(Condition::disk_full, true, "state.db", base::seconds(1));
    fill(rig, 1);
    EXPECT_EQ(drops(rig, 0), action == config::DiskFull::shed);
    said.conditions.look(Condition::disk_full, false, "", base::seconds(60));
    ASSERT_TRUE(rig.send(0, rig.dropping_alert(source(7))));
    rig.settle();
    EXPECT_TRUE(drops(rig, 7));
  }
}

TEST(ClockStep, moves_no_end_of_a_block_and_is_counted) {
  for (const std::int64_t hours : {-48, 48}) {
    test::Rig rig;
    fill(rig, 1);
    rig.clock.set_wall(std::chrono::hours(hours));
    rig.settle();
    EXPECT_EQ(rig.numbers.clock_steps.value(), 1u);
    rig.clock.advance(std::chrono::seconds(590));
    rig.settle();
    EXPECT_TRUE(drops(rig, 0)) << hours;
    rig.clock.advance(std::chrono::seconds(11));
    rig.settle();
    EXPECT_FALSE(drops(rig, 0)) << hours;
  }
}

TEST(RingFull, makes_up_for_what_it_had_no_room_for) {
  FaultSwitches faults;
  test::RigSettings settings{.alert_ring = 64};
  settings.faults = &faults;
  test::Rig rig(settings);
  faults.leaves_alerts = true;
  unsigned sent = 0;
  while (rig.send(0, rig.dropping_alert(source(sent)))) {
    ++sent;
    rig.settle();
    ASSERT_LT(sent, 200u);
  }
  EXPECT_EQ(rig.numbers.alerts_drained.value(), 0u);
  faults.leaves_alerts = false;
  rig.settle();
  EXPECT_EQ(rig.numbers.blocks_active.value(), sent);
}

}  // namespace
}  // namespace edgesentry::control
