#include "policy/decoys.h"

#include <gtest/gtest.h>

#include <algorithm>
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

TEST_F(DecoyGroups, spare_a_decoy_even_when_too_many_wait) {
  for (std::uint32_t i = 0; i < Decoys::kHeldMax; ++i) EXPECT_EQ(take(scanner(i, i)), Advice::wait);
  EXPECT_EQ(take(scanner(9000, 0)), Advice::wait);
  const auto at_once = settled(kStart);
  ASSERT_EQ(at_once.size(), 1u);
  EXPECT_EQ(at_once[0].fate, Fate::spare);
  EXPECT_EQ(at_once[0].alert.source, attacker(9000));
}

TEST_F(DecoyGroups, decide_a_released_member_anew_when_it_goes_on) {
  EXPECT_EQ(take(scanner(1, 1)), Advice::wait);
  ASSERT_EQ(settled(due_).at(0).fate, Fate::decide);
  EXPECT_EQ(take(scanner(2, 1), due_), Advice::wait);
  EXPECT_EQ(take(scanner(1, 1), due_), Advice::wait);
  const auto list = settled(due_ + Decoys::kGrace);
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0].fate, Fate::release);
  EXPECT_EQ(list[1].fate, Fate::spare);
  EXPECT_EQ(list[2].fate, Fate::spare);
  EXPECT_EQ(decoys_.held(), 0u);
}

TEST_F(DecoyGroups, that_meet_through_a_third_source_are_one) {
  for (std::uint32_t source : {1, 2, 3}) EXPECT_EQ(take(scanner(source, 1)), Advice::wait);
  for (std::uint32_t source : {4, 5}) EXPECT_EQ(take(scanner(source, 2)), Advice::wait);
  auto bridge = scanner(6, 1);
  const auto other = scanner(6, 2);
  for (std::uint32_t i = 0; i < Decoys::kShared; ++i)
    bridge.probes_by_hash[i] = other.probes_by_hash[i];
  bridge.answers = true;
  EXPECT_EQ(take(bridge), Advice::wait);
  const auto list = settled(due_);
  ASSERT_EQ(list.size(), 6u);
  for (const auto& one : list) {
    EXPECT_EQ(one.fate, one.alert.source == attacker(6) ? Fate::decide : Fate::spare);
    EXPECT_NE(one.words.find("one of 6 sources"), std::string::npos) << one.words;
  }
}

TEST_F(DecoyGroups, name_the_first_eight_by_address_and_count_the_rest) {
  for (std::uint32_t source = 20; source > 0; --source)
    EXPECT_EQ(take(scanner(source, 1)), Advice::wait);
  const auto list = settled(due_);
  ASSERT_EQ(list.size(), 20u);
  EXPECT_NE(list[0].words.find("10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5, 10.0.0.6, 10.0.0.7, "
                               "10.0.0.8, 10.0.0.9 and 11 more"),
            std::string::npos)
      << list[0].words;
}

TEST_F(DecoyGroups, forget_whoever_was_heard_of_the_longest_ago) {
  const auto members = static_cast<std::uint32_t>(Decoys::kMembers);
  for (std::uint32_t i = 0; i < members; ++i) {
    EXPECT_EQ(take(scanner(i, i)), Advice::wait);
    settled(kStart, true);
  }
  EXPECT_EQ(take(scanner(1, 1)), Advice::wait);  // heard of again
  EXPECT_EQ(take(scanner(5000, 5000)), Advice::wait);
  settled(kStart, true);
  // Source 0 made room, so its probes are nobody's any more; those of source 1 are still its own.
  EXPECT_EQ(take(scanner(7000, 0)), Advice::wait);
  EXPECT_EQ(take(scanner(7001, 1)), Advice::wait);
  const auto list = settled(kStart, true);
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0].fate, Fate::release);
  EXPECT_EQ(list[0].alert.source, attacker(1));
  EXPECT_EQ(list[1].fate, Fate::decide);
  EXPECT_EQ(list[1].alert.source, attacker(7000));
  EXPECT_EQ(list[2].fate, Fate::spare);
}

// What the heaps and lists must not lose, whatever the order of things.
TEST_F(DecoyGroups, settle_every_held_source_under_any_mixture) {
  std::uint32_t random = 12345;
  const auto draw = [&random](std::uint32_t below) {
    random = random * 1664525u + 1013904223u;
    return (random >> 8) % below;
  };
  std::vector<int> waiting(3000, 0);
  Micros now = kStart;
  for (int round = 0; round < 20'000; ++round) {
    const std::uint32_t source = draw(3000);
    auto alert = scanner(source, draw(4) == 0 ? draw(8) : 100 + source, now);
    alert.answers = draw(5) == 0;
    alert.proven = draw(50) == 0;
    const std::uint32_t kind = draw(8);
    if (kind == 0) alert.kind = scan::AlertKind::proof;
    if (kind == 1) alert.kind = scan::AlertKind::growth;
    const Advice advice = take(alert, now);
    if (kind != 0) waiting[source] = advice == Advice::wait ? 1 : 0;
    if (draw(4) == 0) now = now + milliseconds(draw(40));
    if (draw(16) != 0) continue;
    for (const auto& one : settled(now)) {
      if (one.fate != Fate::release)
        waiting[one.alert.source.v4_value() - attacker(0).v4_value()] = 0;
    }
  }
  for (const auto& one : settled(now, true))
    if (one.fate != Fate::release)
      waiting[one.alert.source.v4_value() - attacker(0).v4_value()] = 0;
  EXPECT_EQ(std::count(waiting.begin(), waiting.end(), 1), 0);
  EXPECT_EQ(decoys_.held(), 0u);
}

TEST_F(DecoyGroups, settle_everything_at_the_end_in_the_order_of_addresses) {
  for (std::uint32_t source : {3, 1, 2}) EXPECT_EQ(take(scanner(source, source)), Advice::wait);
  const auto list = settled(kStart, true);
  ASSERT_EQ(list.size(), 3u);
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(list[i].alert.source, attacker(i + 1));
}

}  // namespace
}  // namespace edgesentry::policy
