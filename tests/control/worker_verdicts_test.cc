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
  void catch_up() {
    for (int i = 0; i < 10'000; ++i) {
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

TEST_F(WorkerVerdictsTest, holds_its_backlog_to_the_given_size) {
  start(4, 8);
  for (std::uint32_t n = 0; n < 1000; ++n) {
    block(n);
    ASSERT_LE(verdicts_->health().pending, 8u);
  }
}

}  // namespace
}  // namespace edgesentry::control
