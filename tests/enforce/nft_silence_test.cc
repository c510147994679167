// A program that hangs: nobody who is to be let in again waits for it long, and nothing is left
// behind when the appliance stops meanwhile.
#include "nft_rig.h"

namespace edgesentry::enforce {
namespace {

class NftSilence : public NftEnforcerTest {
 protected:
  void SetUp() override {
    link_.waits = [this](std::chrono::milliseconds limit) {
      now_ = now_ + base::milliseconds(static_cast<std::uint64_t>(limit.count()));
    };
    block(1);
    block(2);
    run(base::seconds(20));
    ASSERT_EQ(in_kernel(), (std::set{attacker(1), attacker(2)}));
    link_.is_deaf = true;
    link_.is_deaf_for_good = false;
  }
};

TEST_F(NftSilence, of_a_program_is_cut_short_when_somebody_is_to_be_let_in) {
  lift(1);
  run(base::seconds(2));
  EXPECT_EQ(link_.opens, 1);
  EXPECT_TRUE(link_.kernel.contains(attacker(1)));
  run(base::seconds(2));
  EXPECT_EQ(link_.opens, 2);
  EXPECT_EQ(in_kernel(), std::set{attacker(2)});
  EXPECT_TRUE(enforcer_.health().is_in_force);
}

TEST_F(NftSilence, of_a_program_is_cut_short_when_everybody_is_to_pass) {
  run(base::milliseconds(500));
  enforcer_.set_bypass(true);
  run(base::seconds(1));
  EXPECT_FALSE(enforcer_.health().is_passing);
  run(base::seconds(3));
  EXPECT_EQ(link_.opens, 2);
  EXPECT_TRUE(link_.kernel.empty());
  EXPECT_TRUE(enforcer_.health().is_passing);
}

TEST_F(NftSilence, of_a_program_is_borne_while_only_blocks_wait) {
  block(3);
  run(base::seconds(29));
  EXPECT_EQ(link_.opens, 1);
  EXPECT_FALSE(enforcer_.health().is_in_force);
  run(base::seconds(2));
  EXPECT_EQ(in_kernel(), (std::set{attacker(1), attacker(2), attacker(3)}));
}

TEST_F(NftSilence, of_each_new_program_is_borne_longer) {
  link_.is_deaf_for_good = true;
  lift(1);
  run(base::seconds(120));
  EXPECT_GE(link_.opens, 4);
  EXPECT_LE(link_.opens, 9);
  link_.is_deaf = false;
  run(base::seconds(60));
  EXPECT_EQ(in_kernel(), std::set{attacker(2)});
  link_.is_deaf_for_good = false;
  link_.is_deaf = true;  // the patience is as short as before
  const int opens = link_.opens;
  lift(2);
  run(base::seconds(4));
  EXPECT_EQ(link_.opens, opens + 1);
  EXPECT_TRUE(link_.kernel.empty());
}

TEST_F(NftSilence, is_no_silence_while_answers_come_slowly) {
  link_.is_deaf = false;
  std::deque<std::vector<std::byte>> held;
  lift(1);
  for (int second = 0; second < 10; ++second) {
    for (int round = 0; round < 10; ++round) {  // one answer every two seconds
      now_ = now_ + base::milliseconds(200);
      enforcer_.reconcile(ledger_);
      while (!link_.replies.empty()) {
        held.push_back(link_.replies.front());
        link_.replies.pop_front();
      }
    }
    if (held.empty()) continue;
    link_.replies.push_back(held.front());
    held.pop_front();
  }
  EXPECT_EQ(link_.opens, 1);
}

TEST_F(NftSilence, leaves_nothing_behind_at_the_end) {
  EXPECT_TRUE(enforcer_.stop(NftEnforcer::AtStop::remove, std::chrono::seconds(2)).ok());
  EXPECT_EQ(link_.opens, 2);
  EXPECT_TRUE(link_.kernel.empty());
  EXPECT_FALSE(link_.is_open);
}

TEST_F(NftSilence, of_the_second_one_ends_the_end_with_what_to_do_by_hand) {
  link_.is_deaf_for_good = true;
  const base::Micros start = now_;
  const base::Status stopped = enforcer_.stop(NftEnforcer::AtStop::remove, std::chrono::seconds(2));
  ASSERT_FALSE(stopped.ok());
  EXPECT_NE(stopped.error().text.find("nft delete table inet edgesentry"), std::string::npos);
  EXPECT_LT(base::elapsed(start, now_), base::seconds(3));
  EXPECT_EQ(link_.opens, 2);
}

TEST_F(NftSilence, keeps_what_is_to_be_kept_unless_everybody_is_to_pass) {
  EXPECT_FALSE(enforcer_.stop(NftEnforcer::AtStop::keep, std::chrono::seconds(2)).ok());
  EXPECT_FALSE(link_.kernel.empty());
  link_.is_deaf = false;
  run(base::seconds(20));
  link_.is_deaf = true;
  enforcer_.set_bypass(true);
  EXPECT_TRUE(enforcer_.stop(NftEnforcer::AtStop::keep, std::chrono::seconds(2)).ok());
  EXPECT_TRUE(link_.kernel.empty());
}

TEST_F(NftEnforcerTest, tells_at_the_end_what_to_do_by_hand_only_if_something_may_be_there) {
  for (const bool is_there_before : {false, true}) {
    FakeLink link;
    NftEnforcer enforcer(link,
                         {.is_there_before = is_there_before, .now = [this] { return now_; }});
    link.can_open = false;
    enforcer.reconcile(ledger_);
    EXPECT_EQ(enforcer.stop(NftEnforcer::AtStop::remove, std::chrono::seconds(2)).ok(),
              !is_there_before);
  }
  FakeLink link;
  NftEnforcer enforcer(link, {.is_there_before = false, .now = [this] { return now_; }});
  for (int round = 0; round < 3; ++round) enforcer.reconcile(ledger_);
  link.can_open = link.is_open = false;
  EXPECT_FALSE(enforcer.stop(NftEnforcer::AtStop::remove, std::chrono::seconds(2)).ok());
}

TEST_F(NftEnforcerTest, has_nothing_to_clean_up_once_everybody_passes) {
  block(1);
  run();
  enforcer_.set_bypass(true);
  run();
  ASSERT_TRUE(enforcer_.health().is_passing);
  link_.can_open = link_.is_open = false;
  EXPECT_TRUE(enforcer_.stop(NftEnforcer::AtStop::remove, std::chrono::seconds(2)).ok());
}

TEST_F(NftEnforcerTest, cleans_up_at_the_end_what_a_lost_program_has_left) {
  block(1);
  run();
  link_.is_open = false;
  EXPECT_TRUE(enforcer_.stop(NftEnforcer::AtStop::remove, std::chrono::seconds(2)).ok());
  EXPECT_TRUE(link_.kernel.empty());
}

}  // namespace
}  // namespace edgesentry::enforce
