#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "serve/api_guard.h"

namespace edgesentry::serve {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const ClientRates::Time kStart{seconds(1'000)};
const base::Ip kClient = base::Ip::v4(0xcb007107);

// How many of so many requests at one moment may go on.
int passed(ClientRates& rates, const base::Ip& client, ClientRates::Time now, int asked) {
  int count = 0;
  for (int i = 0; i < asked; ++i) count += !rates.take(client, now).has_value();
  return count;
}

TEST(ClientRates, lets_a_burst_through_and_then_nothing) {
  ClientRates rates({.per_second = 5, .at_once = 10});
  EXPECT_EQ(passed(rates, kClient, kStart, 100), 10);
  EXPECT_EQ(passed(rates, kClient, kStart + milliseconds(199), 100), 0);
}

TEST(ClientRates, refills_at_its_rate_and_never_above_the_burst) {
  ClientRates rates({.per_second = 5, .at_once = 10});
  EXPECT_EQ(passed(rates, kClient, kStart, 100), 10);
  EXPECT_EQ(passed(rates, kClient, kStart + milliseconds(200), 100), 1);
  EXPECT_EQ(passed(rates, kClient, kStart + milliseconds(1'200), 100), 5);
  EXPECT_EQ(passed(rates, kClient, kStart + std::chrono::hours(24), 100), 10);
}

TEST(ClientRates, does_not_let_who_keeps_asking_starve) {
  ClientRates rates({.per_second = 1, .at_once = 1});
  int count = 0;
  for (int tick = 0; tick <= 10'000; tick += 10)
    count += !rates.take(kClient, kStart + milliseconds(tick)).has_value();
  EXPECT_GE(count, 10);
  EXPECT_LE(count, 11);
}

TEST(ClientRates, says_how_long_to_wait_and_keeps_its_word) {
  ClientRates rates({.per_second = 0.2, .at_once = 1});
  ASSERT_FALSE(rates.take(kClient, kStart));
  const auto wait = rates.take(kClient, kStart);
  ASSERT_TRUE(wait);
  EXPECT_EQ(*wait, seconds(5));
  EXPECT_TRUE(rates.take(kClient, kStart + *wait - seconds(1)));
  EXPECT_FALSE(rates.take(kClient, kStart + *wait));
}

TEST(ClientRates, never_says_to_wait_less_than_a_second) {
  ClientRates rates({.per_second = 100'000, .at_once = 1});
  ASSERT_FALSE(rates.take(kClient, kStart));
  EXPECT_EQ(rates.take(kClient, kStart), seconds(1));
}

TEST(ClientRates, holds_each_client_to_its_own_limit) {
  ClientRates rates({.per_second = 1, .at_once = 3});
  EXPECT_EQ(passed(rates, kClient, kStart, 10), 3);
  EXPECT_EQ(passed(rates, base::Ip::v4(0xcb007108), kStart, 10), 3);
  EXPECT_EQ(rates.size(), 2U);
}

TEST(ClientRates, takes_an_ipv6_network_of_64_bits_for_one_client_and_no_more) {
  ClientRates rates({.per_second = 1, .at_once = 3});
  EXPECT_EQ(passed(rates, *base::Ip::parse("2001:db8::1"), kStart, 3), 3);
  EXPECT_EQ(passed(rates, *base::Ip::parse("2001:db8::ffff:ffff:ffff:ffff"), kStart, 3), 0);
  EXPECT_EQ(passed(rates, *base::Ip::parse("2001:db8:0:1::1"), kStart, 3), 3);
  EXPECT_EQ(rates.size(), 2U);
}

TEST(ClientRates, takes_a_mapped_address_for_its_ipv4_client) {
  ClientRates rates({.per_second = 1, .at_once = 3});
  EXPECT_EQ(passed(rates, kClient, kStart, 3), 3);
  EXPECT_EQ(passed(rates, *base::Ip::parse("::ffff:203.0.113.7"), kStart, 3), 0);
}

TEST(ClientRates, holds_no_more_clients_than_it_may_whoever_comes) {
  constexpr std::size_t kMost = 64;
  ClientRates rates({.per_second = 1, .at_once = 1}, kMost);
  for (std::uint32_t host = 0; host < 100'000; ++host) {
    ASSERT_FALSE(rates.take(base::Ip::v4(host * 2'654'435'761U), kStart)) << host;
    ASSERT_LE(rates.size(), kMost);
  }
  EXPECT_EQ(rates.size(), kMost);
}

TEST(ClientRates, forgets_whom_it_has_not_seen_for_longest) {
  ClientRates rates({.per_second = 1, .at_once = 1}, 3);
  const auto host = [](std::uint32_t number) { return base::Ip::v4(0xcb007100 + number); };
  for (std::uint32_t number : {1U, 2U, 3U}) ASSERT_FALSE(rates.take(host(number), kStart));
  EXPECT_TRUE(rates.take(host(1), kStart));   // seen again: 2 is the oldest now
  EXPECT_FALSE(rates.take(host(4), kStart));  // 2 makes room
  EXPECT_EQ(rates.size(), 3U);
  for (std::uint32_t number : {1U, 3U, 4U}) EXPECT_TRUE(rates.take(host(number), kStart)) << number;
  EXPECT_FALSE(rates.take(host(2), kStart));  // a stranger again
}

TEST(ClientRates, keeps_a_client_that_goes_on_asking_among_hostile_many) {
  ClientRates rates({.per_second = 0.001, .at_once = 1}, 16);
  ASSERT_FALSE(rates.take(kClient, kStart));
  for (std::uint32_t host = 0; host < 10'000; ++host) {
    ASSERT_FALSE(rates.take(base::Ip::v4(0x0a000000 + host), kStart));
    if (host % 8 == 0) {
      ASSERT_TRUE(rates.take(kClient, kStart)) << host;
    }
  }
}

TEST(ApiTokens, open_what_they_are_for_and_nothing_else) {
  const ApiTokens tokens{.change = std::string(32, 'c'), .look = std::string(32, 'l')};
  EXPECT_EQ(right_of(tokens, "Bearer " + tokens.change), ApiRight::change);
  EXPECT_EQ(right_of(tokens, "bEaReR " + tokens.look), ApiRight::look);
  for (const std::string& wrong :
       {std::string(), std::string("Bearer"), std::string("Bearer "), tokens.change,
        "Basic " + tokens.change, "Bearer  " + tokens.change, "Bearer " + tokens.change + "c",
        "Bearer " + tokens.change.substr(1), "Bearer " + tokens.change + tokens.change,
        "Bearer " + std::string(100'000, 'c')})
    EXPECT_EQ(right_of(tokens, wrong), ApiRight::none) << wrong.substr(0, 60);
}

TEST(ApiTokens, open_nothing_when_there_is_no_token_to_look) {
  const ApiTokens tokens{.change = std::string(32, 'c'), .look = {}};
  EXPECT_EQ(right_of(tokens, "Bearer "), ApiRight::none);
  EXPECT_EQ(right_of(tokens, "Bearer x"), ApiRight::none);
}

}  // namespace
}  // namespace edgesentry::serve
