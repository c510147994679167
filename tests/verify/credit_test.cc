#include "verify/credit.h"

#include <gtest/gtest.h>

#include <vector>

namespace edgesentry::verify {
namespace {

constexpr base::Micros kNow = base::seconds(1000);

base::Ip address(std::uint32_t number) {
  return base::Ip::v4(0xc6330000u + number);
}
base::Micros after(std::uint64_t micros) {
  return {kNow.value + micros};
}

TEST(RateLimit, lets_one_second_s_worth_through_at_once_and_then_one_by_one) {
  RateLimit rate;
  int taken = 0;
  while (rate.allows(kNow, 10)) {
    rate.take(kNow, 10);
    ++taken;
  }
  EXPECT_EQ(taken, 10);
  EXPECT_FALSE(rate.allows(after(99'999), 10));
  EXPECT_TRUE(rate.allows(after(100'000), 10));
}

TEST(RateLimit, never_exceeds_its_rate_by_more_than_one_second_s_worth) {
  RateLimit rate;
  int taken = 0;
  for (std::uint64_t at = 0; at <= 10'000'000; at += 500) {
    if (!rate.allows(after(at), 7)) continue;
    rate.take(after(at), 7);
    ++taken;
  }
  EXPECT_LE(taken, 77);
  EXPECT_GE(taken, 76);
}

TEST(RateLimit, saves_nothing_up_over_a_long_silence) {
  RateLimit rate;
  rate.take(kNow, 2);
  const base::Micros later = after(std::uint64_t{3600} * 1'000'000);
  int taken = 0;
  while (rate.allows(later, 2)) {
    rate.take(later, 2);
    ++taken;
  }
  EXPECT_EQ(taken, 2);
}

TEST(CreditTable, keeps_each_source_s_credit_apart) {
  CreditTable table(1);
  for (std::uint32_t i = 0; i < 4; ++i)
    CreditTable::pay(table.account(address(i), 0, kNow), 10 + i);
  for (std::uint32_t i = 0; i < 4; ++i)
    EXPECT_EQ(table.account(address(i), 0, kNow).credit, 10 + i);
}

TEST(CreditTable, forgets_the_source_that_was_silent_longest) {
  CreditTable table(1);
  for (std::uint32_t i = 0; i < 4; ++i)
    CreditTable::pay(table.account(address(i), 0, after(i * 1'000'000)), 100);
  const base::Micros late = after(9'000'000);
  EXPECT_EQ(table.account(address(9), 0, late).credit, 0u) << "nobody inherits credit";
  EXPECT_EQ(table.account(address(1), 0, late).credit, 100u);
  EXPECT_EQ(table.account(address(0), 0, late).credit, 0u);
}

TEST(CreditTable, lets_nobody_save_up_for_a_burst) {
  CreditTable table(1);
  for (int i = 0; i < 100; ++i) CreditTable::pay(table.account(address(1), 0, kNow), 1500);
  EXPECT_EQ(table.account(address(1), 0, kNow).credit, CreditTable::kCreditMax);
}

// Whoever makes sources collide gains nothing: not one byte more than each of them paid.
TEST(CreditTable, makes_fewer_replies_under_a_flood_of_colliding_sources) {
  CreditTable table(1);
  constexpr std::uint32_t kSources = 64;
  std::vector<std::uint64_t> paid(kSources), spent(kSources);
  std::uint64_t replies = 0;
  for (std::uint32_t round = 0; round < 10'000; ++round) {
    const std::uint32_t who = (round * 2654435761u) >> 26;
    const base::Micros now = after(std::uint64_t{round} * 1000);
    Account account = table.account(address(who), 0, now);
    CreditTable::pay(account, 28);
    paid[who] += 28;
    if (account.credit < 40 || !account.rate.allows(now, 10)) continue;
    account.credit -= 40;
    account.rate.take(now, 10);
    spent[who] += 40;
    ++replies;
  }
  for (std::uint32_t who = 0; who < kSources; ++who) EXPECT_LE(spent[who], paid[who]);
  EXPECT_LE(replies, 10u * 10 + 10) << "sources of one set share its rate";
}

}  // namespace
}  // namespace edgesentry::verify
