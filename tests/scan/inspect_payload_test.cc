// Failed logins and exploits as evidence: who is blocked, and who only mistyped.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "scan/inspect.h"
#include "scan/probes.h"

namespace edgesentry::scan {
namespace {

const base::Ip kGuesser = ip4(198, 51, 100, 7);
const base::Ip kServer = ip4(10, 0, 0, 1);

class Dialogues : public testing::Test {
 protected:
  void note(PayloadKind kind, std::uint32_t mark = 0, const base::Ip& source = kGuesser) {
    bench_.outbox.clear();
    bench_.inspector->note_payload({.source = source,
                                    .target = kServer,
                                    .port = 22,
                                    .kind = kind,
                                    .mark = mark,
                                    .tool = tool_},
                                   bench_.now, bench_.policy, bench_.outbox);
    for (const Alert& alert : bench_.outbox.alerts())
      (alert.kind == AlertKind::clue ? clues_ : bench_.alerts).push_back(alert);
    bench_.outbox.clear();
  }
  void fail(int times) {
    for (int i = 0; i < times; ++i) {
      note(PayloadKind::login_failed);
      bench_.now.value += 300'000;
    }
  }
  // Eight of these take longer than a crowd that mistypes is waited for.
  void fail_slowly(int times) {
    for (int i = 0; i < times; ++i) {
      fail(1);
      wait(6);
    }
  }
  void wait(std::uint64_t seconds) { bench_.now.value += seconds * 1'000'000; }
  Verdict knock() { return bench_.act(tcp({kGuesser, kServer, 40000, 443}, kSynFlag)); }
  Tool tool_ = Tool::none;
  Bench bench_;
  std::vector<Alert> clues_;
};

TEST_F(Dialogues, each_login_is_a_clue_about_the_service) {
  fail(1);
  note(PayloadKind::login_ok);
  note(PayloadKind::exploit, 1);
  ASSERT_EQ(clues_.size(), 2u);
  EXPECT_EQ(clues_[0].reason, Reason::failed_logins);
  EXPECT_EQ(clues_[0].source, kGuesser);
  EXPECT_EQ(clues_[0].last_target, kServer);
  EXPECT_EQ(clues_[0].last_port, 22);
  EXPECT_EQ(clues_[0].failures, 1u);
  EXPECT_EQ(clues_[0].successes, 0u);
  EXPECT_EQ(clues_[1].failures, 0u);
  EXPECT_EQ(clues_[1].successes, 1u);
}

TEST_F(Dialogues, logins_that_keep_failing_block_their_source) {
  fail_slowly(7);
  EXPECT_TRUE(bench_.alerts.empty());
  EXPECT_EQ(knock(), Verdict::pass);
  fail(1);
  ASSERT_EQ(bench_.alerts.size(), 1u);
  const Alert& alert = bench_.alerts[0];
  EXPECT_EQ(alert.shape, Shape::brute_force);
  EXPECT_EQ(alert.reason, Reason::failed_logins);
  EXPECT_EQ(alert.technique, Technique::tcp_connect);
  EXPECT_EQ(alert.severity, Severity::high);
  EXPECT_EQ(alert.failures, 8u);
  EXPECT_EQ(alert.last_port, 22);
  EXPECT_TRUE(alert.proven);
  EXPECT_TRUE(alert.dropping);
  EXPECT_EQ(knock(), Verdict::drop);
}

TEST_F(Dialogues, tool_is_named_as_it_calls_itself) {
  tool_ = Tool::hydra;
  fail(16);
  ASSERT_EQ(bench_.alerts.size(), 1u);
  EXPECT_EQ(bench_.alerts[0].tool.tool, Tool::hydra);
  EXPECT_EQ(bench_.alerts[0].tool.confidence, Confidence::high);
  EXPECT_EQ(bench_.alerts[0].tool.mark, Mark::said_so);
}

TEST_F(Dialogues, name_alone_is_no_evidence) {
  tool_ = Tool::nikto;
  for (int i = 0; i < 100; ++i) note(PayloadKind::tool_named);
  EXPECT_TRUE(bench_.alerts.empty());
  EXPECT_EQ(knock(), Verdict::pass);
}

TEST_F(Dialogues, forged_payloads_without_an_answer_are_never_told_of) {
  for (std::uint16_t i = 0; i < 100; ++i)
    (void)bench_.act(tcp({kGuesser, kServer, static_cast<std::uint16_t>(40000 + i), 80},
                         wire::tcp_flag::kPsh | wire::tcp_flag::kAck));
  for (const Alert& alert : bench_.alerts) EXPECT_FALSE(alert.proven);
}

TEST_F(Dialogues, three_mistakes_are_no_attack) {
  fail(3);
  wait(3600);
  fail(3);
  EXPECT_TRUE(bench_.alerts.empty());
}

TEST_F(Dialogues, burst_of_failures_blocks_at_twice_as_many) {
  fail(15);
  EXPECT_TRUE(bench_.alerts.empty());
  fail(1);
  ASSERT_EQ(bench_.alerts.size(), 1u);
  EXPECT_EQ(bench_.alerts[0].failures, 16u);
}

TEST_F(Dialogues, more_failures_at_one_moment_than_people_make_block) {
  for (int i = 0; i < 7; ++i) note(PayloadKind::login_failed);
  EXPECT_TRUE(bench_.alerts.empty());
  note(PayloadKind::login_failed);
  EXPECT_EQ(bench_.alerts.size(), 1u);
}

TEST_F(Dialogues, same_password_again_and_again_is_no_guessing) {
  for (int i = 0; i < 100; ++i) note(PayloadKind::login_failed, 4711);
  EXPECT_TRUE(bench_.alerts.empty());
  EXPECT_EQ(clues_.size(), 1u) << "of a crowd neither";
  for (std::uint32_t guess = 1; guess < 8; ++guess) note(PayloadKind::login_failed, guess);
  EXPECT_EQ(bench_.alerts.size(), 1u) << "others are";
}

TEST_F(Dialogues, login_that_works_forgives_the_mistakes_before_it) {
  for (int day = 0; day < 20; ++day) {
    fail(3);
    note(PayloadKind::login_ok);
    wait(24 * 3600);
  }
  EXPECT_TRUE(bench_.alerts.empty());
}

// Seven people behind one address, each once to three times, in 2,000 orders: they start within a
// minute and try again after 3 to 8 seconds.
TEST_F(Dialogues, people_behind_one_address_who_mistype_together_are_let_in) {
  std::mt19937 random(7);
  const auto number = [&](int from, int to) {
    return std::uniform_int_distribution<int>(from, to)(random);
  };
  for (int morning = 0; morning < 2000; ++morning) {
    std::vector<std::pair<int, PayloadKind>> logins;
    for (int person = 0; person < 7; ++person) {
      int at = number(0, 60'000);
      for (int mistakes = number(1, 3); mistakes > 0; --mistakes) {
        logins.emplace_back(at, PayloadKind::login_failed);
        at += number(3000, 8000);
      }
      logins.emplace_back(at, PayloadKind::login_ok);
    }
    std::ranges::sort(logins);
    const base::Micros start = bench_.now;
    for (const auto& [at, kind] : logins) {
      bench_.now = start + base::milliseconds(static_cast<std::uint64_t>(at));
      note(kind);
    }
    wait(3600);
  }
  EXPECT_TRUE(bench_.alerts.empty());
}

TEST_F(Dialogues, people_who_all_mistype_twice_at_the_same_moment_are_let_in) {
  for (int again = 0; again < 2; ++again) {
    for (int person = 0; person < 7; ++person) note(PayloadKind::login_failed);
    wait(3);
  }
  for (int person = 0; person < 7; ++person) note(PayloadKind::login_ok);
  EXPECT_TRUE(bench_.alerts.empty());
}

TEST_F(Dialogues, guesser_with_an_account_of_his_own_gains_little) {
  int guesses = 0;
  for (; guesses < 100 && bench_.alerts.empty(); ++guesses) {
    fail(1);
    note(PayloadKind::login_ok);
  }
  EXPECT_EQ(guesses, 16 + 16) << "what is forgiven in a window, and what comes at once";
}

TEST_F(Dialogues, guesser_with_an_account_of_his_own_is_no_better_off_slowly) {
  int guesses = 0;
  for (; guesses < 1000 && bench_.alerts.empty(); ++guesses) {
    fail(1);
    if (guesses % 3 == 2) note(PayloadKind::login_ok);
    wait(20);
  }
  EXPECT_LT(guesses, 100);
}

TEST_F(Dialogues, right_guess_after_many_wrong_ones_forgives_few) {
  fail(15);
  note(PayloadKind::login_ok);
  wait(31);
  fail(1);
  EXPECT_EQ(bench_.alerts.size(), 1u) << "eleven are left";
}

TEST_F(Dialogues, window_slides) {
  for (int i = 0; i < 40; ++i) {
    fail(1);
    wait(90);
  }
  EXPECT_TRUE(bench_.alerts.empty()) << "seven in ten minutes, for ever";
  for (int i = 0; i < 40 && bench_.alerts.empty(); ++i) {
    fail(1);
    wait(80);
  }
  EXPECT_EQ(bench_.alerts.size(), 1u) << "eight in ten minutes";
}

TEST_F(Dialogues, allowed_source_is_reported_and_passes) {
  const base::Prefix allowed = base::Prefix::parse("198.51.100.0/24").value();
  bench_.policy.allow = base::CidrSet({&allowed, 1});
  fail(16);
  ASSERT_EQ(bench_.alerts.size(), 1u);
  EXPECT_TRUE(bench_.alerts[0].allowed);
  EXPECT_EQ(knock(), Verdict::pass);
}

TEST_F(Dialogues, observe_mode_reports_and_drops_nothing) {
  bench_.policy.enforce = false;
  fail(16);
  ASSERT_EQ(bench_.alerts.size(), 1u);
  EXPECT_FALSE(bench_.alerts[0].dropping);
  EXPECT_EQ(knock(), Verdict::pass);
}

TEST_F(Dialogues, single_exploit_however_often_blocks_nobody) {
  for (int i = 0; i < 100; ++i) note(PayloadKind::exploit, 1 + i % 2u);
  EXPECT_TRUE(bench_.alerts.empty());
  note(PayloadKind::exploit, 3);
  ASSERT_EQ(bench_.alerts.size(), 1u);
  EXPECT_EQ(bench_.alerts[0].reason, Reason::signature);
}

}  // namespace
}  // namespace edgesentry::scan
