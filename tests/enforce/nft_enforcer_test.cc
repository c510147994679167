#include "enforce/nft_enforcer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "support/alerts.h"

namespace edgesentry::enforce {
namespace {

using test::attacker;

// edgesentry-nft as it should behave, with its failures on order.
class FakeLink final : public NftLink {
 public:
  base::Status open() override {
    ++opens;
    if (!can_open) return base::Error{"no such program"};
    is_open = true;
    replies.clear();
    ordered.clear();
    return {};
  }
  bool send(std::span<const std::byte> frame) override {
    if (!is_open || !has_room) return false;
    const auto read = decode_nft_request(frame);
    EXPECT_TRUE(read.ok());
    if (!is_deaf) answer(read.value());
    return true;
  }
  Got receive(std::vector<std::byte>& frame) override {
    if (!is_open) return Got::gone;
    if (replies.empty()) return Got::nothing;
    frame = replies.front();
    replies.pop_front();
    return Got::frame;
  }
  void wait(std::chrono::milliseconds) override {}
  void close() noexcept override { is_open = false; }

  void answer(const NftRequest& request) {
    NftReply reply{.ask = request.ask, .sequence = request.sequence, .is_done = true, .text = {}};
    asked.push_back(request);
    if (request.ask == NftAsk::batch && failures > 0) {
      --failures;
      reply.is_done = false;
      reply.text = "No space left on device";
    } else if (request.ask == NftAsk::batch) {
      for (const NftElement& element : request.elements) take(element);
    }
    if (request.ask == NftAsk::begin) ordered.clear();
    if (request.ask == NftAsk::end)
      std::erase_if(kernel, [&](const auto& held) { return !ordered.contains(held.first); });
    if (request.ask == NftAsk::remove || request.ask == NftAsk::pass) kernel.clear();
    if (request.ask == NftAsk::check) {
      reply.is_mended = std::exchange(is_changed, false);
      reply.has_counts = kernel.size() <= countable;
      if (reply.has_counts) reply.fewest = reply.most = kernel.size();
      for (const NftElement& element : request.elements)
        reply.missing += kernel.contains(element.source) ? 0 : 1;
    }
    replies.push_back(encode(reply));
  }
  void take(const NftElement& element) {
    kernel.erase(element.source);
    ordered.erase(element.source);
    if (!element.is_blocked) return;
    kernel[element.source] = element.timeout_s;
    ordered.insert(element.source);
  }
  [[nodiscard]] std::size_t count(NftAsk ask) const {
    return static_cast<std::size_t>(std::ranges::count(asked, ask, &NftRequest::ask));
  }

  bool can_open = true, is_open = false, has_room = true, is_deaf = false, is_changed = false;
  std::size_t countable = 1'000'000;
  int opens = 0;
  int failures = 0;
  std::map<base::Ip, std::uint32_t> kernel;  // source and time limit
  std::set<base::Ip> ordered;
  std::vector<NftRequest> asked;
  std::deque<std::vector<std::byte>> replies;
};

class NftEnforcerTest : public testing::Test {
 protected:
  void block(std::uint32_t n, std::uint64_t seconds = 600) {
    ledger_.block({.source = attacker(n),
                   .origin = policy::Origin::operator_order,
                   .duration = std::chrono::seconds(seconds),
                   .reason = {}},
                  now_);
    order(n, scan::OrderKind::block);
  }
  void lift(std::uint32_t n) {
    ledger_.lift(attacker(n), now_);
    order(n, scan::OrderKind::lift);
  }
  void order(std::uint32_t n, scan::OrderKind kind) {
    const scan::Order order{attacker(n), kind, {}};
    enforcer_.submit({&order, 1});
  }
  void run(base::Micros time = base::seconds(1)) {
    for (std::uint64_t passed = 0; passed < time.value; passed += 10'000) {
      now_ = now_ + base::milliseconds(10);
      enforcer_.reconcile(ledger_);
    }
  }
  [[nodiscard]] std::set<base::Ip> in_kernel() const {
    std::set<base::Ip> sources;
    for (const auto& [source, timeout] : link_.kernel) sources.insert(source);
    return sources;
  }

  base::Micros now_ = base::seconds(100);
  policy::Ledger ledger_{{.blocks_max = 1u << 20, .history_max = 16}};
  FakeLink link_;
  std::vector<std::string> said_;
  NftEnforcer enforcer_{link_,
                        {.margin = base::seconds(60),
                         .now = [this] { return now_; },
                         .say = [this](std::string text) { said_.push_back(text); }}};
};

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
