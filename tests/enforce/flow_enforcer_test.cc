#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "enforce/flow_rig.h"

namespace edgesentry::enforce {
namespace {

using test::attacker;
using test::FakePort;
using Rules = test::FlowRig;

TEST_F(Rules, stand_for_blocks_of_both_families_once_each) {
  start();
  block(attacker(1));
  block(attacker(1));
  block(test::ip("2001:db8:1::5"));
  block(test::ip("2001:db8:1::6"));  // the same /64
  submit(attacker(2), scan::OrderKind::contain);
  rounds(2);
  EXPECT_EQ(port.sources(), (std::set{attacker(1), test::ip("2001:db8:1::")}));
  EXPECT_EQ(enforcer->health().programmed, 2u);
  EXPECT_EQ(enforcer->health().wanted, 2u);
  EXPECT_TRUE(enforcer->health().is_in_force);
}

TEST_F(Rules, go_before_any_is_made) {
  start();
  for (std::uint32_t i = 0; i < 50; ++i) block(attacker(i));
  rounds(2);
  port.log.clear();
  for (std::uint32_t i = 50; i < 90; ++i) block(attacker(i));
  for (std::uint32_t i = 0; i < 10; ++i) lift(attacker(i));
  rounds(2);
  ASSERT_EQ(port.log.size(), 50u);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(port.log[i].substr(0, 7), "destroy");
  EXPECT_EQ(port.rules.size(), 80u);
}

TEST_F(Rules, never_hold_control_up_when_the_driver_is_slow) {
  port.each_takes = base::milliseconds(50);
  start();
  for (std::uint32_t i = 0; i < 20; ++i) block(attacker(i));
  rounds();
  EXPECT_EQ(port.calls, 1);
  lift(attacker(0));
  rounds(30);
  EXPECT_EQ(port.rules.size(), 19u);
}

TEST_F(Rules, are_bounded_a_round) {
  start();
  for (std::uint32_t i = 0; i < 3000; ++i) block(attacker(i));
  rounds();
  EXPECT_LE(port.calls, FlowTable::kOperationsPerStep);
  rounds(15);
  EXPECT_EQ(port.rules.size(), 3000u);
}

TEST_F(Rules, are_of_the_newest_blocks_when_room_is_short) {
  port.has_counts = false;
  port.room = 10;
  start();
  for (std::uint32_t i = 0; i < 30; ++i) {
    block(attacker(i));
    now = now + base::seconds(1);
  }
  rounds(30);
  std::set<base::Ip> newest;
  for (std::uint32_t i = 20; i < 30; ++i) newest.insert(attacker(i));
  EXPECT_EQ(port.sources(), newest);
  EXPECT_EQ(enforcer->health().capacity, 10u);
  EXPECT_EQ(enforcer->health().wanted, 30u);
  EXPECT_EQ(enforcer->health().waiting, 20u);
  EXPECT_TRUE(enforcer->health().is_in_force);  // all that there is room for
}

TEST_F(Rules, never_exceed_what_is_configured) {
  start(4);
  for (std::uint32_t i = 0; i < 30; ++i) block(attacker(i));
  rounds(30);
  EXPECT_EQ(port.rules.size(), 4u);
  EXPECT_EQ(enforcer->health().waiting, 0u) << "a choice, not a failure";
}

TEST_F(Rules, wait_while_a_full_port_is_tried_out) {
  start();
  for (std::uint32_t i = 0; i < 4; ++i) block(attacker(i));
  rounds(5);
  EXPECT_EQ(enforcer->health().waiting, 0u);
  enforcer->limit_to_present(true);
  for (std::uint32_t i = 4; i < 10; ++i) block(attacker(i));
  rounds(5);
  EXPECT_EQ(port.rules.size(), 4u);
  EXPECT_EQ(enforcer->health().waiting, 6u);
  enforcer->limit_to_present(false);
  rounds(5);
  EXPECT_EQ(port.rules.size(), 10u);
  EXPECT_EQ(enforcer->health().waiting, 0u);
}

TEST_F(Rules, follow_the_counts_to_the_busiest) {
  port.room = 2;
  start();
  for (std::uint32_t i = 0; i < 6; ++i) block(attacker(i));
  for (int minute = 0; minute < 12; ++minute) {
    port.sent[attacker(1)] += 100'000;
    port.sent[attacker(3)] += 100'000;
    pass(FlowTable::kLookEvery);
  }
  EXPECT_EQ(port.sources(), (std::set{attacker(1), attacker(3)}));
  EXPECT_GT(enforcer->health().packets, 0u);
}

TEST_F(Rules, try_again_seldom_whether_there_is_more_room) {
  port.room = 3;
  start();
  for (std::uint32_t i = 0; i < 9; ++i) block(attacker(i));
  rounds(50);
  const int before = port.calls;
  rounds(50);
  EXPECT_EQ(port.calls, before);
  port.room = 100;
  pass(FlowTable::kRaiseFirst);
  EXPECT_EQ(port.rules.size(), 9u);
}

TEST_F(Rules, are_made_anew_when_the_port_was_reset) {
  start();
  for (std::uint32_t i = 0; i < 5; ++i) block(attacker(i));
  rounds(2);
  port.rules.clear();
  ++port.losses;
  rounds(2);
  EXPECT_EQ(port.rules.size(), 5u);
  EXPECT_EQ(port.broken_handles, 0);
  EXPECT_EQ(enforcer->health().repairs, 1u);
}

TEST_F(Rules, that_vanish_unsaid_are_found_missing_by_their_counts) {
  start();
  for (std::uint32_t i = 0; i < 5; ++i) block(attacker(i));
  rounds(2);
  port.rules.clear();
  pass(FlowTable::kLookEvery);
  EXPECT_EQ(port.rules.size(), 5u);
}

TEST_F(Rules, that_do_not_go_take_all_others_with_them) {
  start();
  for (std::uint32_t i = 0; i < 5; ++i) block(attacker(i));
  rounds(2);
  port.refuse_destroys = 1;
  lift(attacker(0));
  rounds(3);
  EXPECT_EQ(port.rules.size(), 4u);
  EXPECT_FALSE(port.sources().contains(attacker(0)));
  EXPECT_EQ(port.broken_handles, 0);
  EXPECT_EQ(enforcer->health().failures, 1u);
}

TEST_F(Rules, refused_are_tried_again_later_and_said_once) {
  port.refuse_creates = 3;
  start();
  for (std::uint32_t i = 0; i < 5; ++i) block(attacker(i));
  rounds(20);
  EXPECT_EQ(port.rules.size(), 2u);
  EXPECT_FALSE(enforcer->health().is_in_force);
  pass(FlowTable::kAside);
  EXPECT_EQ(port.rules.size(), 5u);
  EXPECT_TRUE(enforcer->health().is_in_force);
  ASSERT_EQ(said.size(), 2u);
  EXPECT_NE(said[0].find("Device or resource busy"), std::string::npos);
  EXPECT_NE(said[1].find("as they should be again"), std::string::npos);
}

TEST_F(Rules, of_one_port_do_not_suffer_from_the_other) {
  ports = {&port, &other};
  other.refuse_creates = 1'000'000;
  start();
  for (std::uint32_t i = 0; i < 5; ++i) block(attacker(i));
  rounds(50);
  EXPECT_EQ(port.rules.size(), 5u);
  EXPECT_TRUE(other.rules.empty());
  EXPECT_LT(other.calls, 20);  // it rests
  EXPECT_FALSE(enforcer->health().is_in_force);
}

TEST_F(Rules, are_left_to_the_workers_where_a_port_takes_none) {
  ports = {&port, &other};
  other.has_v4 = other.has_v6 = false;
  start();
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("1 of 2 outside ports"), std::string::npos);
  block(attacker(1));
  rounds(2);
  EXPECT_EQ(port.rules.size(), 1u);
  EXPECT_EQ(other.calls, 0);
  EXPECT_EQ(enforcer->health().ports_refused, 1u);
  EXPECT_TRUE(enforcer->health().is_used);
  EXPECT_TRUE(enforcer->health().is_in_force);
  EXPECT_NE(enforcer->place().find("not on dmz outside ("), std::string::npos);
  EXPECT_NE(enforcer->place().find(", on "), std::string::npos);
}

TEST_F(Rules, are_missed_by_one_sentence_where_no_port_takes_any) {
  ports = {&port, &other};
  port.has_v4 = port.has_v6 = other.has_v4 = other.has_v6 = false;
  start();
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("2 of 2"), std::string::npos);
  EXPECT_FALSE(enforcer->health().is_used);
  EXPECT_FALSE(enforcer->health().is_in_force);
}

TEST_F(Rules, are_missed_port_by_port_where_all_must_have_them) {
  ports = {&port, &other};
  must_have_all = true;
  other.has_v4 = other.has_v6 = false;
  start();
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("dmz outside: "), std::string::npos);
  EXPECT_TRUE(enforcer->health().is_used);
  EXPECT_FALSE(enforcer->health().is_in_force);
}

TEST_F(Rules, are_gone_at_once_while_bypassed_and_back_after) {
  start();
  for (std::uint32_t i = 0; i < 1000; ++i) block(attacker(i));
  rounds(10);
  enforcer->set_bypass(true);
  rounds();
  EXPECT_TRUE(port.rules.empty());
  block(attacker(5000));
  rounds(5);
  EXPECT_TRUE(port.rules.empty());
  enforcer->set_bypass(false);
  rounds(10);
  EXPECT_EQ(port.rules.size(), 1001u);
}

TEST_F(Rules, are_replayed_from_the_ledger_at_a_start_and_removed_at_the_end) {
  for (std::uint32_t i = 0; i < 500; ++i)
    ledger.block({.source = attacker(i), .duration = std::chrono::hours(1)}, now);
  start();
  rounds(10);
  EXPECT_EQ(port.rules.size(), 500u);
  port.refuse_flushes = 1;
  EXPECT_TRUE(enforcer->stop().ok());
  EXPECT_TRUE(port.rules.empty());
}

// Whatever happens: once all is quiet, the rules are those of the hottest blocks there is room for.
TEST_F(Rules, end_as_the_hottest_blocks_after_any_sequence) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    std::mt19937 random(seed);
    ledger = policy::Ledger({.blocks_max = 4096, .history_max = 4096});
    port = FakePort{};
    port.has_counts = false;
    port.room = 8;
    start();
    for (int step = 0; step < 400; ++step) {
      now = now + base::milliseconds(700);
      const base::Ip source = attacker(random() % 24);
      switch (random() % 8) {
        case 0:
        case 1:
        case 2:
          block(source);
          break;
        case 3:
        case 4:
          lift(source);
          break;
        case 5:
          if (random() % 8 == 0) port.refuse_creates = 1;
          if (random() % 8 == 0) port.refuse_destroys = 1;
          break;
        case 6:
          if (random() % 10 == 0) {
            port.rules.clear();
            ++port.losses;
          }
          break;
        default:
          rounds();
      }
    }
    port.refuse_creates = port.refuse_destroys = 0;
    for (int i = 0; i < 4; ++i) pass(base::seconds(120));
    std::vector<std::pair<base::Micros, base::Ip>> wanted;
    for (std::uint32_t i = 0; i < 24; ++i)
      if (const policy::Entry* entry = ledger.find(attacker(i));
          entry != nullptr && entry->standing == policy::Standing::blocked)
        wanted.emplace_back(entry->since, entry->source);
    std::ranges::sort(wanted, std::greater{});
    wanted.resize(std::min<std::size_t>(wanted.size(), 8));
    std::set<base::Ip> hottest;
    for (const auto& [since, source] : wanted) hottest.insert(source);
    EXPECT_EQ(port.sources(), hottest) << "seed " << seed;
  }
}

}  // namespace
}  // namespace edgesentry::enforce
