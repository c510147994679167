#include "scan/slow_tier.h"

#include <gtest/gtest.h>

#include <array>

#include "scan/probes.h"

namespace edgesentry::scan {
namespace {

constexpr base::Micros kNow = base::seconds(1'000'000), kWindow = base::seconds(24 * 3600);
constexpr base::Micros kHalfLife = base::seconds(SlowTier::kHalfLife_s);

SourceKey key_of(std::uint32_t number, bool ipv6 = false) {
  return {.tag = number << 17, .home = number, .ipv6 = ipv6};  // all in one set
}

SlowRecord record_of(std::uint32_t number, std::uint16_t score, base::Micros seen = kNow) {
  SlowRecord record{};
  record.tag = key_of(number).tag;
  record.home = key_of(number).home;
  record.last_seen_s = static_cast<std::uint32_t>(seen.value / 1'000'000);
  record.score = score;
  return record;
}

class SlowTierOfEight : public testing::Test {
 protected:
  bool put(const SlowRecord& record, base::Micros now = kNow) {
    return tier.put(record, now, kWindow);
  }
  bool holds(std::uint32_t number) { return tier.take(key_of(number)).has_value(); }

  std::array<SlowRecord, 8> records{};
  std::array<std::uint16_t, 8> index{};
  SlowTier tier{records, index};
};

TEST_F(SlowTierOfEight, gives_a_record_back_once) {
  EXPECT_FALSE(tier.may_know(key_of(1).tag));
  EXPECT_TRUE(put(record_of(1, 100)));
  EXPECT_EQ(tier.size(), 1u);
  EXPECT_TRUE(tier.may_know(key_of(1).tag));
  EXPECT_EQ(tier.take(key_of(1)).value().score, 100);
  EXPECT_EQ(tier.size(), 0u);
  EXPECT_FALSE(tier.may_know(key_of(1).tag));
  EXPECT_FALSE(holds(1));
}

TEST_F(SlowTierOfEight, knows_sources_of_one_tag_apart) {
  put(record_of(1, 100));
  EXPECT_TRUE(tier.knows(key_of(1)));
  EXPECT_FALSE(tier.knows(key_of(1, true)));
  EXPECT_FALSE(tier.take(key_of(1, true)).has_value()) << "the other family";
  EXPECT_FALSE(tier.take({.tag = key_of(1).tag, .home = 2, .ipv6 = false}).has_value());
  EXPECT_TRUE(holds(1));
}

TEST_F(SlowTierOfEight, holds_one_record_of_a_source) {
  put(record_of(1, 100));
  put(record_of(1, 50));
  EXPECT_EQ(tier.size(), 1u);
  EXPECT_EQ(tier.take(key_of(1)).value().score, 50);
}

TEST_F(SlowTierOfEight, gives_the_place_of_the_least_suspicious_away) {
  for (std::uint32_t i = 1; i <= 4; ++i)
    put(record_of(i, static_cast<std::uint16_t>(i == 3 ? 10 : 100)));
  EXPECT_TRUE(put(record_of(5, 50)));
  EXPECT_FALSE(holds(3));
  for (const std::uint32_t number : {1u, 2u, 4u, 5u}) EXPECT_TRUE(holds(number)) << number;
}

TEST_F(SlowTierOfEight, of_equals_lets_the_one_unseen_for_longest_go) {
  for (std::uint32_t i = 1; i <= 4; ++i)
    put(record_of(i, 100, i == 2 ? kNow : kNow + base::seconds(10)));
  EXPECT_TRUE(put(record_of(5, 100, kNow + base::seconds(20)), kNow + base::seconds(20)));
  EXPECT_FALSE(holds(2));
  EXPECT_TRUE(holds(5));
}

TEST_F(SlowTierOfEight, refuses_a_newcomer_with_less_than_anybody_has) {
  for (std::uint32_t i = 1; i <= 4; ++i) put(record_of(i, 100));
  EXPECT_FALSE(put(record_of(5, 99)));
  EXPECT_EQ(tier.size(), 4u);
  EXPECT_FALSE(tier.may_know(key_of(5).tag));
  EXPECT_TRUE(put(record_of(5, 100)));
  EXPECT_EQ(tier.size(), 4u);
}

TEST_F(SlowTierOfEight, holds_half_as_much_against_who_was_quiet_for_two_hours) {
  for (std::uint32_t i = 1; i <= 4; ++i) put(record_of(i, 100));
  const base::Micros later = kNow + kHalfLife;
  EXPECT_FALSE(put(record_of(5, 60, later), {later.value - 1'000'000}));
  EXPECT_FALSE(put(record_of(5, 49, later), later));
  EXPECT_TRUE(put(record_of(5, 60, later), later));
}

TEST_F(SlowTierOfEight, gives_the_place_of_who_was_not_seen_for_a_window_to_anybody) {
  for (std::uint32_t i = 1; i <= 4; ++i) put(record_of(i, i == 4 ? 60'000 : 100));
  const base::Micros later = kNow + kWindow + base::seconds(1);
  for (std::uint32_t i = 1; i <= 3; ++i) put(record_of(i, 100, later), later);
  EXPECT_TRUE(put(record_of(5, 0, later), later));
  EXPECT_FALSE(holds(4));
}

TEST_F(SlowTierOfEight, keeps_sets_apart) {
  for (std::uint32_t i = 1; i <= 4; ++i) put(record_of(i, 100));
  SlowRecord other = record_of(9, 1);
  other.tag |= 1;
  EXPECT_TRUE(put(other));
  EXPECT_EQ(tier.size(), 5u);
}

TEST(SlowTier, without_memory_knows_nobody) {
  SlowTier tier;
  EXPECT_FALSE(tier.may_know(1));
  EXPECT_FALSE(tier.take(key_of(1)).has_value());
  EXPECT_FALSE(tier.put(record_of(1, 1), kNow, kWindow));
}

class ASlowRecord : public testing::Test {
 protected:
  ASlowRecord() {
    suspect.source = ip4(198, 51, 100, 7);
    suspect.first_seen = kNow;
  }
  void fail_at(std::uint64_t second, std::uint16_t port, Outcome outcome = Outcome::refused) {
    suspect.add({.target = wire::fold(ip4(10, 0, 0, 1)),
                 .at_ms = static_cast<std::uint32_t>(second * 1000),
                 .port = port,
                 .source_port = 1,
                 .port_class = PortClass::tcp,
                 .technique = Technique::tcp_syn,
                 .outcome = outcome,
                 .sent = 1,
                 .is_declared = 0});
    suspect.last_seen = kNow + base::seconds(second);
    if (outcome == Outcome::refused) suspect.score += policy.thresholds.sequential.failure;
  }
  std::optional<SlowRecord> summary(const Suspect& of) const {
    return summary_of(of, key_of(1), policy.thresholds);
  }
  Suspect restored(const SlowRecord& record, base::Micros now) const {
    Suspect other;
    other.source = suspect.source;
    other.first_seen = other.last_seen = now;
    restore(other, record, policy, now);
    return other;
  }

  DetectionPolicy policy;
  Suspect suspect;
};

TEST_F(ASlowRecord, is_made_only_of_who_failed_and_is_not_decided) {
  EXPECT_FALSE(summary(suspect).has_value());
  fail_at(0, 80, Outcome::completed);
  fail_at(0, 81, Outcome::pending);
  EXPECT_FALSE(summary(suspect).has_value());
  fail_at(0, 82);
  EXPECT_TRUE(summary(suspect).has_value());
  suspect.decided = true;
  EXPECT_FALSE(summary(suspect).has_value());
}

TEST_F(ASlowRecord, with_flags_that_wait_for_an_answer_alone_holds_nothing) {
  for (const Outcome outcome : {Outcome::answered, Outcome::pending}) {
    suspect.contact_count = 0;
    fail_at(0, 80, outcome);
    suspect.contacts[0].technique = Technique::tcp_xmas;
    EXPECT_FALSE(summary(suspect).has_value());
  }
}

TEST_F(ASlowRecord, brings_contacts_and_score_back) {
  for (std::uint16_t i = 0; i < 4; ++i) fail_at(i * 600u, 80 + i);
  const Suspect back = restored(*summary(suspect), kNow + base::seconds(2400));
  ASSERT_EQ(back.contact_count, 4);
  EXPECT_EQ(back.score, suspect.score);
  EXPECT_EQ(back.failures, 4u);
  EXPECT_EQ(back.probes, 4u);
  EXPECT_EQ(back.ports_kept, 4);
  EXPECT_EQ(back.targets[0], ip4(10, 0, 0, 1));
  for (std::uint16_t i = 0; i < 4; ++i) {
    EXPECT_EQ(back.contacts[i].port, 80 + i);
    EXPECT_EQ(back.contacts[i].outcome, Outcome::refused);
    const base::Micros at = back.first_seen + base::milliseconds(back.contacts[i].at_ms);
    EXPECT_LE(at.value, (kNow + base::seconds(i * 600u)).value);
    EXPECT_LE(base::elapsed(at, kNow + base::seconds(i * 600u)).value, 512'000'000u);
  }
}

TEST_F(ASlowRecord, does_not_change_however_often_the_source_comes_and_goes) {
  for (std::uint16_t i = 0; i < 6; ++i) fail_at(i * 7777u, 80 + i);
  const SlowRecord first = *summary(suspect);
  SlowRecord record = first;
  for (std::uint64_t i = 0; i < 50; ++i)
    record = *summary(restored(record, kNow + base::seconds(40'000 + i)));
  EXPECT_EQ(record.contacts, first.contacts);
  EXPECT_EQ(record.score, first.score);
}

TEST_F(ASlowRecord, keeps_the_newest_failures_and_forgets_the_score_of_others) {
  fail_at(50, 70, Outcome::completed);
  for (std::uint16_t i = 0; i < 8; ++i) fail_at(i, 80 + i);
  const SlowRecord record = *summary(suspect);
  EXPECT_EQ(count_bad(record), 6u);
  EXPECT_EQ(record.score, 6 * policy.thresholds.sequential.failure);
  for (std::uint16_t i = 0; i < 6; ++i) EXPECT_EQ(record.contacts[i].port, 82 + i);
}

TEST_F(ASlowRecord, loses_what_the_window_has_left_behind) {
  fail_at(0, 80);
  fail_at(12 * 3600, 81);
  const SlowRecord record = *summary(suspect);
  const Suspect back = restored(record, kNow + kWindow + base::seconds(1));
  ASSERT_EQ(back.contact_count, 1);
  EXPECT_EQ(back.contacts[0].port, 81);
  EXPECT_EQ(back.score, policy.thresholds.sequential.failure);
  const Suspect later = restored(record, kNow + base::seconds(40 * 3600));
  EXPECT_EQ(later.contact_count, 0);
  EXPECT_EQ(later.score, 0);
}

TEST_F(ASlowRecord, weighs_impossible_flags_that_nobody_answered) {
  fail_at(0, 80, Outcome::silent);
  const std::uint32_t plain = weight_of(*summary(suspect));
  suspect.contacts[0].technique = Technique::tcp_xmas;
  EXPECT_EQ(weight_of(*summary(suspect)), plain + 1024u);
}

}  // namespace
}  // namespace edgesentry::scan
