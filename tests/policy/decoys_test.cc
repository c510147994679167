#include "policy/decoys.h"

#include <gtest/gtest.h>

#include <vector>

#include "support/alerts.h"

namespace edgesentry::policy {
namespace {

using base::Micros;
using base::milliseconds;
using base::seconds;
using test::alert_of;
using test::attacker;
using Advice = Decoys::Advice;
using Fate = Decoys::Fate;

constexpr Micros kStart = seconds(1000);

// As a worker would tell of `source`, whose probes are those of the scan `scan`.
scan::Alert scanner(std::uint32_t source, std::uint32_t scan, Micros now = kStart) {
  auto alert = alert_of(attacker(source), now);
  const auto at_ms = static_cast<std::uint32_t>(now.value / 1000);
  for (std::uint32_t i = 0; i < alert.probes_by_hash.size(); ++i)
    alert.probes_by_hash[i] = {(scan * 7919u + i) * 2654435761u | 1, at_ms};
  return alert;
}

class DecoyGroups : public testing::Test {
 protected:
  Advice take(const scan::Alert& alert, Micros now = kStart) {
    return decoys_.take(alert, alert.source, now);
  }
  std::vector<Decoys::Settled> settled(Micros now, bool all = false) {
    std::vector<Decoys::Settled> list;
    while (auto one = decoys_.next(now, all)) list.push_back(std::move(*one));
    return list;
  }
  Decoys decoys_;
  Micros due_ = kStart + Decoys::kGrace;
};

TEST_F(DecoyGroups, let_a_lone_scanner_be_decided_after_the_grace) {
  EXPECT_EQ(take(scanner(1, 1)), Advice::wait);
  EXPECT_TRUE(settled({due_.value - 1}).empty());
  const auto list = settled(due_);
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].fate, Fate::decide);
  EXPECT_TRUE(list[0].words.empty());
  EXPECT_EQ(decoys_.held(), 0u);
}

TEST_F(DecoyGroups, block_the_only_member_that_answered) {
  auto real = scanner(2, 1);
  real.answers = true;
  for (const auto& alert : {scanner(1, 1), real, scanner(3, 1)})
    EXPECT_EQ(take(alert), Advice::wait);
  const auto list = settled(due_);
  ASSERT_EQ(list.size(), 3u);
  for (const auto& one : list)
    EXPECT_EQ(one.fate, one.alert.source == attacker(2) ? Fate::decide : Fate::spare);
  EXPECT_NE(list[0].words.find("one of 3 sources"), std::string::npos) << list[0].words;
}

TEST_F(DecoyGroups, spare_everybody_when_none_or_several_answered) {
  for (const bool answers : {false, true}) {
    decoys_ = {};
    for (std::uint32_t source : {1, 2, 3}) {
      auto alert = scanner(source, 1);
      alert.answers = answers && source != 3;
      EXPECT_EQ(take(alert), Advice::wait);
    }
    const auto list = settled(due_);
    ASSERT_EQ(list.size(), 3u);
    for (const auto& one : list) EXPECT_EQ(one.fate, Fate::spare);
  }
}

TEST_F(DecoyGroups, are_not_made_of_scanners_with_the_same_tool) {
  EXPECT_EQ(take(scanner(1, 1)), Advice::wait);
  EXPECT_EQ(take(scanner(2, 2)), Advice::wait);
  for (const auto& one : settled(due_)) EXPECT_EQ(one.fate, Fate::decide);
}

TEST_F(DecoyGroups, are_not_made_of_one_shared_probe_or_of_probes_at_other_times) {
  auto one_probe = scanner(2, 2);
  one_probe.probes_by_hash[0] = scanner(1, 1).probes_by_hash[0];
  auto later = scanner(3, 1);
  for (auto& mark : later.probes_by_hash) mark.at_ms += Decoys::kApartMsMax + 1;
  for (const auto& alert : {scanner(1, 1), one_probe, later}) EXPECT_EQ(take(alert), Advice::wait);
  const auto list = settled(due_);
  ASSERT_EQ(list.size(), 3u);
  for (const auto& one : list) EXPECT_EQ(one.fate, Fate::decide);
}

TEST_F(DecoyGroups, are_not_made_of_a_source_and_its_own_repeated_alerts) {
  EXPECT_EQ(take(scanner(1, 1)), Advice::wait);
  EXPECT_EQ(take(scanner(1, 1)), Advice::wait);
  const auto list = settled(due_);
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].fate, Fate::decide);
}

TEST_F(DecoyGroups, decide_at_once_what_is_proven_or_says_nothing_of_its_probes) {
  auto proven = scanner(1, 1);
  proven.proven = true;
  EXPECT_EQ(take(proven), Advice::decide_now);
  EXPECT_EQ(take(alert_of(attacker(2), kStart)), Advice::decide_now);
  EXPECT_EQ(decoys_.held(), 0u);
}

TEST_F(DecoyGroups, decide_at_once_when_too_many_wait) {
  for (std::uint32_t i = 0; i < Decoys::kHeldMax; ++i) EXPECT_EQ(take(scanner(i, i)), Advice::wait);
  EXPECT_EQ(take(scanner(9000, 9000)), Advice::decide_now);
  EXPECT_EQ(decoys_.held(), Decoys::kHeldMax);
  EXPECT_EQ(settled(kStart, true).size(), Decoys::kHeldMax);
}

TEST_F(DecoyGroups, give_back_a_decoy_that_was_decided_before_the_others) {
  EXPECT_EQ(take(scanner(1, 1)), Advice::wait);
  ASSERT_EQ(settled(due_).at(0).fate, Fate::decide);
  auto real = scanner(2, 1);
  real.answers = true;
  const Micros later = kStart + seconds(5);
  EXPECT_EQ(take(real, later), Advice::wait);
  const auto released = settled(later);
  ASSERT_EQ(released.size(), 1u);
  EXPECT_EQ(released[0].fate, Fate::release);
  EXPECT_EQ(released[0].alert.source, attacker(1));
  const auto rest = settled(later + Decoys::kGrace);
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].fate, Fate::decide);
}

TEST_F(DecoyGroups, give_back_the_one_that_answered_when_a_second_does) {
  auto first = scanner(1, 1);
  first.answers = true;
  EXPECT_EQ(take(first), Advice::wait);
  EXPECT_EQ(take(scanner(2, 1)), Advice::wait);
  ASSERT_EQ(settled(due_).size(), 2u);
  auto second = scanner(2, 1);
  second.answers = true;
  second.kind = scan::AlertKind::proof;
  EXPECT_EQ(take(second, due_), Advice::wait);
  const auto list = settled(due_);
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].fate, Fate::release);
  EXPECT_EQ(list[0].alert.source, attacker(1));
}

TEST_F(DecoyGroups, block_a_spared_member_once_it_proves_itself) {
  for (std::uint32_t source : {1, 2}) EXPECT_EQ(take(scanner(source, 1)), Advice::wait);
  ASSERT_EQ(settled(due_).size(), 2u);
  auto proof = scanner(1, 1);
  proof.kind = scan::AlertKind::proof;
  proof.proven = true;
  const Micros later = kStart + seconds(60);
  EXPECT_EQ(take(proof, later), Advice::wait);
  const auto list = settled(later);
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].fate, Fate::decide);
  EXPECT_EQ(list[0].alert.kind, scan::AlertKind::decision);
  EXPECT_TRUE(list[0].alert.proven);
}

TEST_F(DecoyGroups, tell_growth_after_the_decision_that_waited) {
  EXPECT_EQ(take(scanner(1, 1)), Advice::wait);
  auto growth = scanner(1, 1);
  growth.kind = scan::AlertKind::growth;
  growth.probes = 160;
  EXPECT_EQ(take(growth), Advice::wait);
  const auto list = settled(due_);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].alert.kind, scan::AlertKind::decision);
  EXPECT_EQ(list[0].alert.probes, 16u);
  EXPECT_EQ(list[1].alert.kind, scan::AlertKind::growth);
}

TEST_F(DecoyGroups, settle_everything_at_the_end_in_the_order_of_addresses) {
  for (std::uint32_t source : {3, 1, 2}) EXPECT_EQ(take(scanner(source, source)), Advice::wait);
  const auto list = settled(kStart, true);
  ASSERT_EQ(list.size(), 3u);
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(list[i].alert.source, attacker(i + 1));
}

}  // namespace
}  // namespace edgesentry::policy
