// Passwords guessed from many sources, and people who mistype meanwhile.
#include "policy/login_crowd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "policy/crowd.h"
#include "support/alerts.h"

namespace edgesentry::policy {
namespace {

using base::Ip;
using base::Micros;
using base::seconds;
using scan::AlertKind;
using test::attacker;

class LoginCrowd : public testing::Test {
 protected:
  void login(const Ip& source, bool is_taken, Micros step = base::milliseconds(100)) {
    now_ = now_ + step;
    scan::Alert clue;
    clue.kind = AlertKind::clue;
    clue.reason = scan::Reason::failed_logins;
    clue.source = source;
    clue.last_target = target_;
    clue.last_port = port_;
    clue.prefix_length = source.is_v4() ? 128 : 64;
    clue.failures = is_taken ? 0 : 1;
    clue.successes = is_taken ? 1 : 0;
    clue.first_seen = clue.last_seen = now_;
    clue.proven = true;
    for (const CrowdFinding& finding : crowds_.take(clue, now_))
      (finding.is_whole ? whole_ : members_).push_back(finding);
  }
  void fail(const Ip& source, int times = 1) {
    for (int i = 0; i < times; ++i) login(source, false);
  }
  // Each of so many sources in turn.
  void guess(std::uint32_t sources, int each) {
    for (int i = 0; i < each; ++i)
      for (std::uint32_t s = 0; s < sources; ++s) fail(attacker(s));
  }
  bool is_blocked(const Ip& source) const {
    return std::ranges::any_of(members_, [&](const CrowdFinding& member) {
      return member.alert.source == source && member.alert.kind == AlertKind::decision;
    });
  }
  bool is_named(const Ip& source) const {
    return std::ranges::any_of(
        members_, [&](const CrowdFinding& member) { return member.alert.source == source; });
  }

  Crowds crowds_;
  Ip target_ = Ip::v4(0xcb007109);
  std::uint16_t port_ = 22;
  Micros now_ = seconds(1000);
  std::vector<CrowdFinding> whole_, members_;
  const Ip user_ = Ip::v4(0xc0000201);
};

TEST_F(LoginCrowd, finds_forty_sources_that_guess_three_times_each_and_names_them) {
  guess(40, 3);
  ASSERT_EQ(whole_.size(), 1u);
  const scan::Alert& alert = whole_[0].alert;
  EXPECT_EQ(alert.kind, AlertKind::decision);
  EXPECT_EQ(alert.shape, scan::Shape::brute_force);
  EXPECT_EQ(alert.reason, scan::Reason::failed_logins);
  EXPECT_EQ(alert.severity, scan::Severity::high);
  EXPECT_EQ(alert.source_count, 10u);
  EXPECT_EQ(crowd_sentence(whole_[0]),
            "distributed brute force on 203.0.113.9 port 22: 10 sources together had 20 logins "
            "refused; the last was 10.0.0.9");
  for (std::uint32_t s = 0; s < 40; ++s) EXPECT_TRUE(is_named(attacker(s))) << s;
  EXPECT_FALSE(is_blocked(attacker(0))) << "three may be mistakes";
}

TEST_F(LoginCrowd, blocks_members_at_four_failures_and_names_those_with_fewer) {
  guess(20, 3);
  fail(attacker(5));
  EXPECT_TRUE(is_blocked(attacker(5)));
  now_ = now_ + seconds(120);
  fail(attacker(100));
  for (std::uint32_t s = 0; s < 20; ++s) {
    EXPECT_TRUE(is_named(attacker(s))) << s;
    EXPECT_EQ(is_blocked(attacker(s)), s == 5) << s;
  }
  EXPECT_FALSE(is_named(attacker(100)));
  for (const CrowdFinding& member : members_) EXPECT_TRUE(member.alert.proven);
}

TEST_F(LoginCrowd, blocks_nobody_who_mistypes_meanwhile) {
  guess(40, 3);
  const Ip once = Ip::v4(0xc0000202), twice = Ip::v4(0xc0000203), often = Ip::v4(0xc0000204);
  fail(once, 1);
  fail(twice, 2);
  fail(often, 3);
  login(often, true);
  const Ip late = Ip::v4(0xc0000205);
  fail(late, 3);
  now_ = now_ + seconds(120);
  guess(40, 1);
  EXPECT_TRUE(is_named(late));
  EXPECT_FALSE(is_blocked(late)) << "three mistakes, and no way in";
  login(late, true);
  fail(often, 3);
  EXPECT_FALSE(is_named(once));
  EXPECT_FALSE(is_blocked(late));
  EXPECT_FALSE(is_blocked(twice));
  EXPECT_FALSE(is_blocked(often));
  EXPECT_TRUE(is_blocked(attacker(0))) << "and the attack goes on";
}

TEST_F(LoginCrowd, says_nothing_of_nine_sources_or_of_one_failure_each) {
  guess(9, 3);
  EXPECT_TRUE(whole_.empty());
  port_ = 21;
  guess(200, 1);
  EXPECT_TRUE(whole_.empty());
}

TEST_F(LoginCrowd, says_nothing_of_a_service_whose_many_users_mistype_and_get_in) {
  for (std::uint32_t s = 0; s < 100; ++s) {
    fail(attacker(s), 3);
    login(attacker(s), true);
  }
  EXPECT_TRUE(whole_.empty());
}

TEST_F(LoginCrowd, says_nothing_of_old_passwords_among_many_users) {
  for (std::uint32_t s = 0; s < 120; ++s) login(attacker(1000 + s), true);
  for (std::uint32_t s = 0; s < 25; ++s) fail(attacker(s), 5);
  EXPECT_TRUE(whole_.empty());
  for (std::uint32_t s = 25; s < 45; ++s) fail(attacker(s), 5);
  EXPECT_EQ(whole_.size(), 1u) << "a quarter of all";
}

TEST_F(LoginCrowd, keeps_services_apart) {
  for (std::uint32_t s = 0; s < 40; ++s) {
    target_ = Ip::v4(0xcb007100u + s % 5);
    fail(attacker(s), 3);
  }
  EXPECT_TRUE(whole_.empty()) << "eight sources each";
}

TEST_F(LoginCrowd, forgets_what_has_left_the_window) {
  guess(9, 3);
  now_ = now_ + LoginCrowds::kWindow + seconds(1);
  for (std::uint32_t s = 50; s < 59; ++s) fail(attacker(s), 3);
  EXPECT_TRUE(whole_.empty());
}

TEST_F(LoginCrowd, takes_an_ipv6_prefix_for_one_source) {
  for (std::uint16_t s = 0; s < 100; ++s) {
    auto bytes = test::ip("2001:db8::").bytes();
    bytes[15] = static_cast<std::uint8_t>(s);
    fail(Ip::from_bytes(bytes), 3);
  }
  EXPECT_TRUE(whole_.empty());
}

TEST_F(LoginCrowd, reports_growth_tenfold_and_each_member_once) {
  guess(200, 2);
  ASSERT_EQ(whole_.size(), 2u);
  EXPECT_EQ(whole_[1].alert.kind, AlertKind::growth);
  EXPECT_EQ(whole_[1].alert.source_count, 100u);
  EXPECT_EQ(members_.size(), 200u);
}

TEST_F(LoginCrowd, sees_an_attack_on_a_service_with_more_users_than_it_remembers) {
  for (std::uint32_t s = 0; s < 1000; ++s) login(attacker(1000 + s), true);
  guess(90, 2);
  EXPECT_EQ(whole_.size(), 1u);
}

TEST_F(LoginCrowd, stays_within_its_memory_whatever_comes) {
  for (std::uint32_t s = 0; s < 20'000; ++s) {
    target_ = Ip::v4(s % 500);
    fail(attacker(s));
  }
  target_ = Ip::v4(7);
  guess(2000, 2);
  EXPECT_FALSE(whole_.empty());
  EXPECT_LE(members_.size(), LoginCrowds::kMembers);
  now_ = seconds(1);  // a clock that steps back
  guess(40, 3);
}

}  // namespace
}  // namespace edgesentry::policy
