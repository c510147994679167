#include "nft_rig.h"

namespace edgesentry::enforce {
namespace {

TEST_F(NftEnforcerTest, programs_what_the_ledger_blocks_until_its_end_and_a_margin) {
  block(1, 600);
  block(2, 366 * 86400);
  ledger_.block({.source = attacker(3), .duration = {}, .reason = {}}, now_);
  run();
  EXPECT_EQ(in_kernel(), (std::set{attacker(1), attacker(2), attacker(3)}));
  EXPECT_EQ(link_.kernel[attacker(1)], 660u);
  EXPECT_EQ(link_.kernel[attacker(2)], 14u * 86400);  // renewed long before
  EXPECT_TRUE(enforcer_.health().is_in_force);
  EXPECT_EQ(enforcer_.health().programmed, 3u);
  EXPECT_TRUE(said_.empty());
}

TEST_F(NftEnforcerTest, sends_one_element_for_many_orders_of_one_source) {
  run();
  link_.asked.clear();
  for (int i = 0; i < 100; ++i) {
    block(1);
    lift(1);
  }
  block(1);
  EXPECT_EQ(enforcer_.health().pending, 1u);
  run(base::milliseconds(20));
  ASSERT_EQ(link_.count(NftAsk::batch), 1u);
  EXPECT_EQ(link_.asked.front().elements.size(), 1u);
  EXPECT_EQ(in_kernel(), std::set{attacker(1)});
}

TEST_F(NftEnforcerTest, lets_a_lifted_source_go_in_the_next_round) {
  block(1);
  run();
  lift(1);
  run(base::milliseconds(10));
  EXPECT_TRUE(link_.kernel.empty());
}

TEST_F(NftEnforcerTest, deletes_what_an_earlier_run_left_behind) {
  link_.kernel[attacker(77)] = 5;
  block(1);
  run();
  EXPECT_EQ(in_kernel(), std::set{attacker(1)});
}

TEST_F(NftEnforcerTest, programs_everything_anew_when_the_tables_were_changed) {
  for (std::uint32_t n = 0; n < 20'000; ++n) block(n);
  run();
  ASSERT_EQ(link_.kernel.size(), 20'000u);
  link_.kernel.clear();
  link_.is_changed = true;
  run();
  EXPECT_EQ(link_.kernel.size(), 20'000u);
  EXPECT_EQ(enforcer_.health().repairs, 1u);
  ASSERT_EQ(said_.size(), 1u);
  EXPECT_NE(said_[0].find("changed by somebody else"), std::string::npos);
}

TEST_F(NftEnforcerTest, notices_by_the_count_what_is_missing_and_what_is_too_much) {
  block(1);
  block(2);
  run();
  link_.kernel.erase(attacker(1));
  run();
  EXPECT_EQ(in_kernel(), (std::set{attacker(1), attacker(2)}));
  link_.kernel[attacker(9)] = 1;
  run();
  EXPECT_EQ(in_kernel(), (std::set{attacker(1), attacker(2)}));
  EXPECT_EQ(enforcer_.health().repairs, 2u);
}

TEST_F(NftEnforcerTest, notices_by_a_sample_what_is_missing_of_too_many_to_count) {
  link_.countable = 10;
  for (std::uint32_t n = 0; n < 5000; ++n) block(n);
  run();
  for (std::uint32_t n = 0; n < 4; ++n) link_.kernel.erase(attacker(n * 1000));
  run(base::seconds(10));
  EXPECT_EQ(link_.kernel.size(), 5000u);
  EXPECT_EQ(enforcer_.health().programmed, 5000u);
}

TEST_F(NftEnforcerTest, starts_the_program_again_at_once_when_it_had_worked_a_while) {
  block(1);
  run(base::seconds(20));
  link_.is_open = false;
  link_.kernel.clear();
  block(2);
  run(base::milliseconds(100));
  EXPECT_EQ(link_.opens, 2);
  EXPECT_EQ(enforcer_.health().restarts, 1u);
  EXPECT_EQ(in_kernel(), (std::set{attacker(1), attacker(2)}));
  ASSERT_EQ(said_.size(), 2u);
  EXPECT_NE(said_[0].find("has ended"), std::string::npos);
  EXPECT_NE(said_[1].find("works again"), std::string::npos);
}

TEST_F(NftEnforcerTest, waits_longer_and_longer_for_a_program_that_does_not_start) {
  link_.can_open = false;
  run(base::seconds(300));
  EXPECT_GE(link_.opens, 10);
  EXPECT_LE(link_.opens, 20);
  EXPECT_EQ(said_.size(), 1u);
  EXPECT_FALSE(enforcer_.health().is_in_force);
  link_.can_open = true;
  block(1);
  run(base::seconds(31));
  EXPECT_EQ(in_kernel(), std::set{attacker(1)});
}

TEST_F(NftEnforcerTest, gives_up_on_a_program_that_does_not_answer) {
  link_.is_deaf = true;
  run(base::seconds(31));
  EXPECT_EQ(enforcer_.health().restarts, 1u);
  ASSERT_FALSE(said_.empty());
  EXPECT_NE(said_[0].find("does not answer"), std::string::npos);
  link_.is_deaf = false;
  block(1);
  run(base::seconds(35));
  EXPECT_EQ(in_kernel(), std::set{attacker(1)});
}

TEST_F(NftEnforcerTest, tries_again_what_the_kernel_refused_and_says_it_once) {
  run();
  link_.failures = 4;
  block(1);
  run(base::seconds(60));
  EXPECT_EQ(enforcer_.health().failures, 4u);
  EXPECT_EQ(in_kernel(), std::set{attacker(1)});
  EXPECT_TRUE(enforcer_.health().is_in_force);
  ASSERT_EQ(said_.size(), 2u);
  EXPECT_NE(said_[0].find("No space left"), std::string::npos);
}

TEST_F(NftEnforcerTest, is_not_in_force_from_a_refusal_until_a_whole_replay) {
  run();
  link_.failures = 1;
  block(1);
  run(base::milliseconds(30));
  EXPECT_FALSE(enforcer_.health().is_in_force);
  run(base::seconds(2));
  EXPECT_TRUE(enforcer_.health().is_in_force);
}

TEST_F(NftEnforcerTest, keeps_one_place_a_source_and_replays_past_its_bound) {
  run();
  link_.has_room = false;
  for (std::uint32_t n = 0; n < NftEnforcer::kChangedMax + 10; ++n) block(n);
  EXPECT_LE(enforcer_.health().pending, NftEnforcer::kChangedMax);
  EXPECT_EQ(enforcer_.health().overflows, 1u);
  for (std::uint32_t n = 0; n < 1000; ++n) ledger_.lift(attacker(n), now_);
  link_.has_room = true;
  run(base::seconds(2));
  EXPECT_EQ(link_.kernel.size(), NftEnforcer::kChangedMax + 10 - 1000);
  EXPECT_EQ(link_.kernel.size(), ledger_.blocked());
}

TEST_F(NftEnforcerTest, stays_right_when_the_ledger_changes_during_a_replay) {
  for (std::uint32_t n = 0; n < 100'000; ++n) block(n);
  run(base::milliseconds(20));
  ASSERT_TRUE(enforcer_.health().is_reconciling);
  for (std::uint32_t n = 0; n < 200; ++n) {
    lift(n * 7);
    block(200'000 + n);
    run(base::milliseconds(10));
  }
  run(base::seconds(3));
  EXPECT_EQ(link_.kernel.size(), ledger_.blocked());
  EXPECT_FALSE(link_.kernel.contains(attacker(7)));
  EXPECT_TRUE(link_.kernel.contains(attacker(200'199)));
}

TEST_F(NftEnforcerTest, restarts_a_program_that_answers_nonsense) {
  run();
  link_.replies.push_back(std::vector<std::byte>(5));
  run(base::seconds(2));
  EXPECT_EQ(enforcer_.health().restarts, 1u);
  EXPECT_TRUE(enforcer_.health().is_in_force);
}

TEST_F(NftEnforcerTest, lets_everybody_pass_while_bypassed) {
  block(1);
  run();
  enforcer_.set_bypass(true);
  block(2);
  run(base::milliseconds(10));
  EXPECT_TRUE(link_.kernel.empty());
  link_.is_open = false;  // a new one makes the tables, and has to delete them again
  run(base::seconds(2));
  EXPECT_EQ(link_.count(NftAsk::pass), 2u);
  EXPECT_TRUE(link_.kernel.empty());
  enforcer_.set_bypass(false);
  run();
  EXPECT_EQ(in_kernel(), (std::set{attacker(1), attacker(2)}));
  EXPECT_EQ(enforcer_.health().repairs, 0u);
}

TEST_F(NftEnforcerTest, deletes_its_tables_at_the_end_unless_told_to_keep_them) {
  block(1);
  run();
  EXPECT_TRUE(enforcer_.stop(NftEnforcer::AtStop::remove, std::chrono::seconds(1)).ok());
  EXPECT_EQ(link_.count(NftAsk::remove), 1u);
  EXPECT_TRUE(link_.kernel.empty());
  run(base::seconds(40));
  ASSERT_FALSE(link_.kernel.empty());
  EXPECT_TRUE(enforcer_.stop(NftEnforcer::AtStop::keep, std::chrono::seconds(1)).ok());
  EXPECT_EQ(link_.count(NftAsk::remove), 1u);
  EXPECT_FALSE(link_.kernel.empty());
}

}  // namespace
}  // namespace edgesentry::enforce
