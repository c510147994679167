#include "policy/ledger.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "support/alerts.h"

namespace edgesentry::policy {
namespace {

using base::Micros;
using base::seconds;
using std::chrono_literals::operator""s;
using test::alert_of;
using test::attacker;
using test::ip;

LedgerSettings small() {
  return {
      .ladder = {600s, 3600s, 86400s}, .forget_after = 7200s, .blocks_max = 8, .history_max = 8};
}

constexpr Micros kStart = seconds(1000);

BlockResult block(Ledger& ledger, const base::Ip& source, Micros now) {
  const auto alert = alert_of(source, now);
  return ledger.block({.source = source, .alert = &alert}, now);
}

std::size_t expire(Ledger& ledger, Micros now) {
  std::array<Expired, 64> out;
  return ledger.expire(now, out);
}

TEST(Ledger, lets_a_source_back_in_when_its_block_expires) {
  Ledger ledger(small());
  const auto result = block(ledger, attacker(1), kStart);
  ASSERT_EQ(result.outcome, BlockOutcome::added);
  EXPECT_EQ(result.entry->offences, 1u);
  const Micros end = kStart + seconds(600);
  EXPECT_TRUE(ledger.blocks(attacker(1), {end.value - 1}));
  EXPECT_FALSE(ledger.blocks(attacker(1), end));
  EXPECT_EQ(expire(ledger, {end.value - 1}), 0u);
  EXPECT_EQ(ledger.blocked(), 1u);
  EXPECT_EQ(expire(ledger, end), 1u);
  EXPECT_EQ(ledger.blocked(), 0u);
  EXPECT_EQ(ledger.remembered(), 1u);
  EXPECT_EQ(expire(ledger, end), 0u);
}

TEST(Ledger, blocks_repeat_offenders_for_longer_and_repeats_the_last_step) {
  Ledger ledger(small());
  Micros now = kStart;
  const std::array<std::uint64_t, 5> steps = {600, 3600, 86400, 86400, 86400};
  for (std::uint32_t offence = 1; offence <= steps.size(); ++offence) {
    const auto result = block(ledger, attacker(1), now);
    ASSERT_EQ(result.outcome, BlockOutcome::added);
    EXPECT_EQ(result.entry->offences, offence);
    EXPECT_EQ(result.entry->until, now + seconds(steps[offence - 1]));
    now = result.entry->until;
    ASSERT_EQ(expire(ledger, now), 1u);
  }
}

TEST(Ledger, starts_anew_after_a_source_was_quiet_long_enough) {
  for (const std::uint64_t quiet : {7199ull, 7200ull}) {
    Ledger ledger(small());
    const Micros end = block(ledger, attacker(1), kStart).entry->until;
    expire(ledger, end);
    const auto again = block(ledger, attacker(1), end + seconds(quiet));
    EXPECT_EQ(again.entry->offences, quiet == 7200 ? 1u : 2u);
  }
}

TEST(Ledger, gives_the_memory_of_a_quiet_source_back) {
  Ledger ledger(small());
  const Micros end = block(ledger, attacker(1), kStart).entry->until;
  expire(ledger, end);
  expire(ledger, {(end + seconds(7200)).value - 1});
  EXPECT_NE(ledger.find(attacker(1)), nullptr);
  expire(ledger, end + seconds(7200));
  EXPECT_EQ(ledger.find(attacker(1)), nullptr);
  EXPECT_EQ(ledger.remembered(), 0u);
}

TEST(Ledger, merges_the_alerts_of_two_workers_into_one_block) {
  Ledger ledger(small());
  auto first = alert_of(attacker(1), kStart);
  auto second = alert_of(attacker(1), kStart + seconds(1));
  second.worker.value = 1;
  second.ports[0] = 9999;
  second.probes = 500;
  ASSERT_EQ(ledger.block({.source = first.source, .alert = &first}, kStart).outcome,
            BlockOutcome::added);
  const auto merged = ledger.block({.source = second.source, .alert = &second}, kStart);
  EXPECT_EQ(merged.outcome, BlockOutcome::merged);
  EXPECT_EQ(ledger.blocked(), 1u);
  EXPECT_EQ(merged.entry->offences, 1u);
  EXPECT_EQ(merged.entry->evidence->probes, 500u);
  EXPECT_EQ(merged.entry->evidence->port_count, 16u);
  EXPECT_EQ(merged.entry->evidence->first_seen, first.first_seen);
  EXPECT_EQ(merged.entry->evidence->last_seen, second.last_seen);
}

TEST(Ledger, treats_all_addresses_of_an_ipv6_prefix_as_one_source) {
  Ledger ledger(small());
  block(ledger, ip("2001:db8:0:1::5"), kStart);
  EXPECT_TRUE(ledger.blocks(ip("2001:db8:0:1:ffff::6"), kStart));
  EXPECT_FALSE(ledger.blocks(ip("2001:db8:0:2::5"), kStart));
  EXPECT_EQ(ledger.prefix_of(ip("2001:db8:0:1::5")).to_string(), "2001:db8:0:1::/64");
}

TEST(Ledger, clears_host_bits_at_every_prefix_length) {
  const auto all_ones = base::Ip::from_bytes([] {
    std::array<std::uint8_t, 16> bytes;
    bytes.fill(0xff);
    return bytes;
  }());
  for (unsigned length = 1; length <= 128; ++length) {
    auto settings = small();
    settings.ipv6_prefix = static_cast<std::uint8_t>(length);
    EXPECT_EQ(Ledger(settings).key_of(all_ones),
              base::Prefix(all_ones, settings.ipv6_prefix).address());
  }
}

TEST(Ledger, refuses_a_block_past_its_maximum_and_takes_one_again_after_a_lift) {
  Ledger ledger(small());
  for (std::uint32_t n = 0; n < 8; ++n)
    ASSERT_EQ(block(ledger, attacker(n), kStart).outcome, BlockOutcome::added);
  EXPECT_EQ(block(ledger, attacker(8), kStart).outcome, BlockOutcome::full);
  EXPECT_EQ(block(ledger, attacker(8), kStart).entry, nullptr);
  EXPECT_EQ(ledger.blocked(), 8u);
  EXPECT_TRUE(ledger.lift(attacker(3), kStart));
  EXPECT_EQ(block(ledger, attacker(8), kStart).outcome, BlockOutcome::added);
}

TEST(Ledger, keeps_its_memory_bounded_and_drops_the_oldest_first) {
  Ledger ledger(small());
  for (std::uint32_t n = 0; n < 100; ++n) {
    block(ledger, attacker(n), kStart + Micros{n});
    ledger.lift(attacker(n), kStart + Micros{n});
  }
  EXPECT_EQ(ledger.remembered(), 8u);
  EXPECT_EQ(ledger.find(attacker(91)), nullptr);
  EXPECT_NE(ledger.find(attacker(92)), nullptr);
}

TEST(Ledger, does_not_let_invented_sources_flush_the_history_of_real_ones) {
  Ledger ledger(small());
  for (std::uint32_t n = 0; n < 4; ++n) {
    block(ledger, attacker(n), kStart);
    ledger.lift(attacker(n), kStart);
  }
  for (std::uint32_t n = 1000; n < 2000; ++n) ledger.note(alert_of(attacker(n), kStart), kStart);
  for (std::uint32_t n = 0; n < 4; ++n) EXPECT_NE(ledger.find(attacker(n)), nullptr);
  EXPECT_EQ(ledger.noted(), 4u);
}

TEST(Ledger, lets_an_operator_set_the_end_of_a_block_in_force) {
  Ledger ledger(small());
  block(ledger, attacker(1), kStart);
  const auto renewed = ledger.block(
      {.source = attacker(1), .origin = Origin::operator_order, .duration = 5s, .reason = "test"},
      kStart);
  EXPECT_EQ(renewed.outcome, BlockOutcome::renewed);
  EXPECT_EQ(renewed.entry->offences, 1u);
  EXPECT_EQ(expire(ledger, kStart + seconds(5)), 1u);
  EXPECT_EQ(expire(ledger, kStart + seconds(600)), 0u);
}

TEST(Ledger, counts_no_block_of_an_operator_as_an_offence) {
  Ledger ledger(small());
  const BlockRequest order{.source = attacker(1), .origin = Origin::operator_order};
  for (int i = 0; i < 3; ++i) {
    const auto result = ledger.block(order, kStart);
    ASSERT_EQ(result.outcome, BlockOutcome::added);
    EXPECT_EQ(result.entry->offences, 0u);
    EXPECT_EQ(result.entry->until, kStart + seconds(600));
    EXPECT_EQ(ledger.block(order, kStart).entry->until, kStart + seconds(600)) << "renewed";
    EXPECT_TRUE(ledger.pardon(attacker(1), kStart));
  }
  EXPECT_EQ(block(ledger, attacker(1), kStart).entry->offences, 1u);
  ledger.lift(attacker(1), kStart);
  const auto result = ledger.block(order, kStart);
  EXPECT_EQ(result.entry->offences, 1u);
  EXPECT_EQ(result.entry->until, kStart + seconds(3600)) << "the next step, as for a detector";
  EXPECT_TRUE(ledger.pardon(attacker(1), kStart));
  EXPECT_EQ(block(ledger, attacker(1), kStart).entry->offences, 2u) << "its own offence stays";
}

TEST(Ledger, takes_back_the_offence_of_a_block_that_was_wrong) {
  Ledger ledger(small());
  EXPECT_FALSE(ledger.pardon(attacker(1), kStart));
  block(ledger, attacker(1), kStart);
  EXPECT_TRUE(ledger.pardon(attacker(1), kStart));
  EXPECT_FALSE(ledger.pardon(attacker(1), kStart));
  EXPECT_EQ(block(ledger, attacker(1), kStart).entry->offences, 1u);
  ledger.block({.source = attacker(1), .origin = Origin::operator_order}, kStart);
  EXPECT_TRUE(ledger.pardon(attacker(1), kStart)) << "renewed by an operator, still an offence";
  EXPECT_EQ(ledger.next_offence(ledger.find(attacker(1)), kStart), 1u);
}

TEST(Ledger, keeps_the_offence_of_a_shadow_that_an_operator_makes_a_block) {
  Ledger ledger(small());
  ledger.block({.source = attacker(1), .shadow = true}, kStart);
  const auto result =
      ledger.block({.source = attacker(1), .origin = Origin::operator_order}, kStart);
  EXPECT_EQ(result.entry->offences, 1u);
  EXPECT_TRUE(ledger.pardon(attacker(1), kStart));
  EXPECT_EQ(ledger.find(attacker(1))->offences, 0u);
}

TEST(Ledger, turns_a_shadow_into_a_block_of_the_same_offence) {
  Ledger ledger(small());
  ledger.block({.source = attacker(1), .shadow = true}, kStart);
  EXPECT_FALSE(ledger.blocks(attacker(1), kStart));
  EXPECT_EQ(ledger.shadowed(), 1u);
  const auto result = ledger.block({.source = attacker(1)}, kStart + seconds(1));
  EXPECT_EQ(result.outcome, BlockOutcome::added);
  EXPECT_TRUE(result.has_ended);
  EXPECT_EQ(result.entry->offences, 1u);
  EXPECT_EQ(ledger.shadowed(), 0u);
  EXPECT_TRUE(ledger.blocks(attacker(1), kStart + seconds(1)));
}

TEST(Ledger, counts_a_block_that_ended_unseen_before_the_next_one) {
  Ledger ledger(small());
  block(ledger, attacker(1), kStart);
  const auto next = block(ledger, attacker(1), kStart + seconds(600));
  EXPECT_EQ(next.outcome, BlockOutcome::added);
  EXPECT_TRUE(next.has_ended);
  EXPECT_EQ(next.entry->offences, 2u);
  EXPECT_EQ(ledger.blocked(), 1u);
  EXPECT_EQ(expire(ledger, kStart + seconds(600)), 0u) << "the first block's timer is gone";
}

TEST(Ledger, lifts_only_what_is_blocked) {
  Ledger ledger(small());
  EXPECT_FALSE(ledger.lift(attacker(1), kStart));
  ledger.note(alert_of(attacker(1), kStart), kStart);
  EXPECT_FALSE(ledger.lift(attacker(1), kStart));
  block(ledger, attacker(1), kStart);
  EXPECT_TRUE(ledger.lift(attacker(1), kStart));
  EXPECT_FALSE(ledger.lift(attacker(1), kStart));
  EXPECT_EQ(expire(ledger, kStart + seconds(600)), 0u);
}

TEST(Ledger, holds_a_block_without_end_until_it_is_lifted) {
  Ledger ledger(small());
  const auto forever = std::chrono::seconds(std::numeric_limits<std::int64_t>::max() / 2'000'000);
  ledger.block({.source = attacker(1), .duration = forever}, kStart);
  EXPECT_EQ(expire(ledger, seconds(100ull * 365 * 86400)), 0u);
  EXPECT_TRUE(ledger.blocks(attacker(1), seconds(100ull * 365 * 86400)));
}

TEST(Ledger, expires_a_crowd_in_bounded_calls_and_says_that_more_is_left) {
  auto settings = small();
  settings.blocks_max = settings.history_max = 5000;
  Ledger ledger(settings);
  for (std::uint32_t n = 0; n < 5000; ++n) block(ledger, attacker(n), kStart);
  const Micros end = kStart + seconds(600);
  std::array<Expired, 64> out;
  std::set<base::Ip> expired;
  int calls = 0;
  do {
    for (std::size_t i = 0, n = ledger.expire(end, out); i < n; ++i) expired.insert(out[i].source);
  } while (++calls < 10'000 && ledger.is_behind());
  EXPECT_EQ(expired.size(), 5000u);
  EXPECT_GE(calls, 5000 / 64);
}

TEST(Ledger, shows_every_entry_once_when_paged) {
  auto settings = small();
  settings.blocks_max = 3000;
  Ledger ledger(settings);
  for (std::uint32_t n = 0; n < 3000; ++n) block(ledger, attacker(n), kStart);
  std::set<base::Ip> seen;
  std::array<const Entry*, 7> out;
  std::uint32_t cursor = 0;
  do {
    const auto page = ledger.page(cursor, 5, out);
    for (std::size_t i = 0; i < page.count; ++i) EXPECT_TRUE(seen.insert(out[i]->source).second);
    cursor = page.next;
  } while (cursor != 0);
  EXPECT_EQ(seen.size(), 3000u);
  EXPECT_EQ(ledger.page(4'000'000'000u, 10, out).count, 0u) << "a cursor from nowhere";
}

TEST(Ledger, keeps_its_index_right_through_many_arrivals_and_departures) {
  auto settings = small();
  settings.blocks_max = settings.history_max = 256;
  Ledger ledger(settings);
  for (std::uint32_t n = 0; n < 20'000; ++n) {
    block(ledger, attacker(n), kStart);
    if (n >= 200) {
      ASSERT_TRUE(ledger.lift(attacker(n - 200), kStart)) << n;
    }
    if (n >= 100) {
      ASSERT_TRUE(ledger.blocks(attacker(n - 100), kStart));
    }
  }
  EXPECT_EQ(ledger.blocked(), 200u);
}

}  // namespace
}  // namespace edgesentry::policy
