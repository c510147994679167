#include "control/worker_verdicts.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <set>

#include "support/alerts.h"

namespace edgesentry::control {
namespace {

using test::attacker;

class WorkerVerdictsTest : public testing::Test {
 protected:
  void start(std::uint32_t ring, std::uint32_t backlog) {
    auto halves = base::make_ring<scan::Order>(ring);
    orders_ = std::move(halves.reader);
    std::vector<base::RingWriter<scan::Order>> writers;
    writers.push_back(std::move(halves.writer));
    verdicts_ = std::make_unique<WorkerVerdicts>(std::move(writers), backlog);
  }
  void block(std::uint32_t n) {
    ledger_.block({.source = attacker(n)}, base::seconds(1));
    const scan::Order order{attacker(n), scan::OrderKind::block, {}};
    verdicts_->submit({&order, 1});
  }
  void lift(std::uint32_t n) {
    ledger_.lift(attacker(n), base::seconds(2));
    const scan::Order order{attacker(n), scan::OrderKind::lift, {}};
    verdicts_->submit({&order, 1});
  }
  void read_some() {
    std::array<scan::Order, 8> some;
    const std::size_t count = orders_.pop_some(some);
    for (std::size_t i = 0; i < count; ++i)
      if (some[i].kind == scan::OrderKind::block) {
        drops_.insert(some[i].source);
      } else {
        drops_.erase(some[i].source);
      }
  }
  void catch_up(int rounds = 10'000) {
    for (int i = 0; i < rounds; ++i) {
      verdicts_->reconcile(ledger_);
      read_some();
    }
  }
  [[nodiscard]] std::set<base::Ip> blocked_in_ledger() const {
    std::set<base::Ip> blocked;
    std::array<const policy::Entry*, 4096> out;
    const auto page = ledger_.page(0, 1u << 20, out);
    for (std::size_t i = 0; i < page.count; ++i)
      if (out[i]->standing == policy::Standing::blocked) blocked.insert(out[i]->source);
    return blocked;
  }

  policy::Ledger ledger_{{}};
  std::unique_ptr<WorkerVerdicts> verdicts_;
  base::RingReader<scan::Order> orders_;
  std::set<base::Ip> drops_;
};

TEST_F(WorkerVerdictsTest, keeps_orders_in_sequence_through_a_full_ring) {
  start(4, 64);
  for (std::uint32_t n = 0; n < 20; ++n) {
    block(n);
    lift(n);
  }
  block(7);
  EXPECT_GT(verdicts_->health().pending, 0u);
  catch_up();
  EXPECT_EQ(drops_, std::set{attacker(7)});
  EXPECT_EQ(verdicts_->health().overflows, 0u);
  EXPECT_EQ(verdicts_->health().pending, 0u);
}

TEST_F(WorkerVerdictsTest, makes_up_from_the_ledger_for_what_overflowed) {
  start(4, 8);
  for (std::uint32_t n = 0; n < 2000; ++n) block(n);
  for (std::uint32_t n = 0; n < 2000; n += 3) lift(n);
  EXPECT_GT(verdicts_->health().overflows, 0u);
  EXPECT_TRUE(verdicts_->health().is_reconciling);
  catch_up();
  EXPECT_FALSE(verdicts_->health().is_reconciling);
  EXPECT_EQ(drops_, blocked_in_ledger());
}

TEST_F(WorkerVerdictsTest, stays_right_when_the_ledger_changes_during_the_replay) {
  start(8, 16);
  for (std::uint32_t n = 0; n < 1000; ++n) block(n);
  for (std::uint32_t step = 0; step < 1000; ++step) {
    verdicts_->reconcile(ledger_);
    read_some();
    if (step % 2 == 0) lift(step);
    if (step % 5 == 0) block(5000 + step);
  }
  catch_up();
  EXPECT_EQ(drops_, blocked_in_ledger());
}

TEST_F(WorkerVerdictsTest,
       sends_a_lift_that_overflowed_though_the_ledger_has_forgotten_the_source) {
  ledger_ = policy::Ledger({.history_max = 4});
  start(4, 8);
  for (std::uint32_t n = 0; n < 100; ++n) {
    block(n);
    catch_up(2);
  }
  EXPECT_EQ(drops_.size(), 100u);
  for (std::uint32_t n = 0; n < 100; ++n) lift(n);  // while the worker stands still
  EXPECT_GT(verdicts_->health().overflows, 0u);
  EXPECT_EQ(ledger_.find(attacker(7)), nullptr);
  catch_up();
  EXPECT_TRUE(drops_.empty());
  EXPECT_EQ(verdicts_->health().pending, 0u);
}

TEST_F(WorkerVerdictsTest, sends_a_veto_that_overflowed_of_a_source_that_never_was_blocked) {
  start(4, 8);
  drops_.insert(attacker(3));  // by the worker's own decision
  const scan::Order veto{attacker(3), scan::OrderKind::lift, {}};
  for (std::uint32_t n = 100; n < 104; ++n) block(n);
  verdicts_->submit({&veto, 1});
  for (std::uint32_t n = 104; n < 200; ++n) block(n);
  EXPECT_GT(verdicts_->health().overflows, 0u);
  catch_up();
  EXPECT_FALSE(drops_.contains(attacker(3)));
  EXPECT_EQ(drops_, blocked_in_ledger());
}

TEST_F(WorkerVerdictsTest, forgets_an_owed_lift_when_the_source_is_blocked_again) {
  start(4, 8);
  for (std::uint32_t round = 0; round < 50; ++round)
    for (std::uint32_t n = 0; n < 10; ++n) {
      block(n);
      if ((n + round) % 2 == 0) lift(n);
    }
  catch_up();
  EXPECT_EQ(drops_, blocked_in_ledger());
  EXPECT_FALSE(drops_.empty());
}

TEST_F(WorkerVerdictsTest, says_when_no_more_lifts_can_be_owed) {
  start(4, 8);
  EXPECT_TRUE(verdicts_->has_room_for_lifts(WorkerVerdicts::kOwedMax));
  std::uint32_t n = 0;
  while (verdicts_->has_room_for_lifts(16)) {
    const scan::Order order{attacker(n++), scan::OrderKind::lift, {}};
    verdicts_->submit({&order, 1});
    ASSERT_LE(n, WorkerVerdicts::kOwedMax);
  }
  EXPECT_LE(verdicts_->health().pending, WorkerVerdicts::kOwedMax);
  for (std::uint32_t reads = 0; reads * 4 <= n; ++reads) {
    verdicts_->reconcile(ledger_);
    read_some();
  }
  EXPECT_TRUE(verdicts_->has_room_for_lifts(WorkerVerdicts::kOwedMax));
}

TEST_F(WorkerVerdictsTest, holds_its_backlog_to_the_given_size) {
  start(4, 8);
  for (std::uint32_t n = 0; n < 1000; ++n) {
    block(n);
    ASSERT_LE(verdicts_->health().pending, 8u);
  }
}

}  // namespace
}  // namespace edgesentry::control
