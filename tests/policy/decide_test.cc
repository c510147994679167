#include "policy/decide.h"

#include <gtest/gtest.h>

#include "support/alerts.h"

namespace edgesentry::policy {
namespace {

using base::Micros;
using base::seconds;
using std::chrono_literals::operator""s;
using test::alert_of;
using test::attacker;
using test::ip;

constexpr Micros kStart = seconds(1000);

class Decide : public testing::Test {
 protected:
  Decision ask(const scan::Alert& alert, Micros now = kStart) {
    const Rules rules{.exempt = exempt_, .enforce = enforce_, .needed = needed_};
    return decide(alert, ledger_, rules, budget_, now);
  }
  void allow(const char* prefix, Exempt kind) {
    lists_.configured.push_back({*base::Prefix::parse(prefix), kind});
    exempt_ = Exemptions(lists_, 64);
  }

  AllowLists lists_;
  Exemptions exempt_;
  Ledger ledger_{{.ladder = {600s, 3600s}, .forget_after = 86400s}};
  BlockBudget budget_{100};
  bool enforce_ = true;
  scan::Proof needed_ = scan::Proof::none;
};

TEST_F(Decide, blocks_a_stranger_for_the_first_step) {
  const auto decision = ask(alert_of(attacker(1), kStart));
  EXPECT_EQ(decision.action, DecisionAction::block);
  EXPECT_EQ(decision.duration, 600s);
  EXPECT_EQ(decision.offence, 1u);
}

TEST_F(Decide, tells_the_severity_with_the_history_of_the_source) {
  auto alert = alert_of(attacker(1), kStart);
  alert.proven = true;
  EXPECT_EQ(ask(alert).severity, scan::Severity::high);
  ledger_.block({.source = attacker(1), .alert = &alert, .duration = 600s}, kStart);
  EXPECT_EQ(ask(alert, kStart + seconds(10)).severity, scan::Severity::high) << "the same offence";
  const Micros later = kStart + seconds(700);
  auto again = alert_of(attacker(1), later);
  again.proven = true;
  EXPECT_EQ(ask(again, later).severity, scan::Severity::critical);
  again.proven = false;
  EXPECT_EQ(ask(again, later).severity, scan::Severity::high);
  EXPECT_EQ(ask(alert_of(attacker(2), later), later).severity, scan::Severity::medium);
}

TEST_F(Decide, never_blocks_an_exempt_source_in_any_mode_or_kind) {
  allow("10.0.0.1/32", Exempt::gateway);
  for (const bool enforce : {false, true})
    for (const bool dropping : {false, true})
      for (const auto kind :
           {scan::AlertKind::decision, scan::AlertKind::growth, scan::AlertKind::touch}) {
        enforce_ = enforce;
        auto alert = alert_of(attacker(1), kStart);
        alert.dropping = dropping;
        alert.kind = kind;
        const auto decision = ask(alert);
        EXPECT_EQ(decision.action, DecisionAction::ignore);
        EXPECT_EQ(decision.exempt, Exempt::gateway);
      }
  EXPECT_EQ(ask(alert_of(attacker(2), kStart)).action, DecisionAction::block) << "a neighbour";
}

TEST_F(Decide, spares_the_whole_ipv6_prefix_of_an_exempt_host) {
  allow("2001:db8:0:1::5/128", Exempt::allowed_by_config);
  EXPECT_EQ(ask(alert_of(ip("2001:db8:0:1::666"), kStart)).action, DecisionAction::ignore);
  EXPECT_EQ(ask(alert_of(ip("2001:db8:0:2::666"), kStart)).action, DecisionAction::block);
}

TEST_F(Decide, contains_whoever_has_not_shown_enough) {
  struct Case {
    scan::Proof needed;
    bool answers, proven;
    DecisionAction action;
  };
  constexpr auto kContain = DecisionAction::contain, kBlock = DecisionAction::block;
  for (const Case& c : {Case{scan::Proof::none, false, false, kBlock},
                        Case{scan::Proof::answer, false, false, kContain},
                        Case{scan::Proof::answer, true, false, kBlock},
                        Case{scan::Proof::answer, false, true, kBlock},
                        Case{scan::Proof::handshake, true, false, kContain},
                        Case{scan::Proof::handshake, false, true, kBlock}}) {
    needed_ = c.needed;
    auto alert = alert_of(attacker(1), kStart);
    alert.answers = c.answers;
    alert.proven = c.proven;
    EXPECT_EQ(ask(alert).action, c.action);
  }
  EXPECT_EQ(budget_.taken(), 2u) << "who is contained costs nobody a block";
}

TEST_F(Decide, asks_for_no_proof_of_what_it_would_not_block) {
  needed_ = scan::Proof::handshake;
  enforce_ = false;
  EXPECT_EQ(ask(alert_of(attacker(1), kStart)).action, DecisionAction::would_block);
  enforce_ = true;
  allow("10.0.0.2/32", Exempt::allowed_by_config);
  EXPECT_EQ(ask(alert_of(attacker(2), kStart)).action, DecisionAction::ignore);
}

TEST_F(Decide, only_says_what_it_would_do_in_observe_mode) {
  enforce_ = false;
  const auto decision = ask(alert_of(attacker(1), kStart));
  EXPECT_EQ(decision.action, DecisionAction::would_block);
  EXPECT_EQ(decision.duration, 600s);
}

TEST_F(Decide, reports_a_touch_below_the_trigger) {
  auto alert = alert_of(attacker(1), kStart);
  alert.kind = scan::AlertKind::touch;
  EXPECT_EQ(ask(alert).action, DecisionAction::report);
  EXPECT_EQ(budget_.taken(), 0u);
}

TEST_F(Decide, reports_growth_of_what_is_blocked_already) {
  ledger_.block({.source = attacker(1)}, kStart);
  auto alert = alert_of(attacker(1), kStart + seconds(1));
  alert.kind = scan::AlertKind::growth;
  const auto decision = ask(alert, kStart + seconds(1));
  EXPECT_EQ(decision.action, DecisionAction::report);
  EXPECT_TRUE(decision.already_blocked);
}

TEST_F(Decide, blocks_a_shadowed_source_once_the_mode_is_enforce) {
  ledger_.block({.source = attacker(1), .shadow = true}, kStart);
  enforce_ = false;
  EXPECT_TRUE(ask(alert_of(attacker(1), kStart)).already_blocked);
  enforce_ = true;
  const auto decision = ask(alert_of(attacker(1), kStart));
  EXPECT_EQ(decision.action, DecisionAction::block);
  EXPECT_EQ(decision.offence, 1u);
}

TEST_F(Decide, does_not_block_again_on_evidence_from_before_the_lift) {
  ledger_.block({.source = attacker(1)}, kStart);
  ledger_.lift(attacker(1), kStart + seconds(10));
  const auto now = kStart + seconds(11);
  const auto old = ask(alert_of(attacker(1), {(kStart + seconds(10)).value - 1}), now);
  EXPECT_EQ(old.action, DecisionAction::report);
  EXPECT_TRUE(old.is_stale);
  const auto fresh = ask(alert_of(attacker(1), kStart + seconds(10)), now);
  EXPECT_EQ(fresh.action, DecisionAction::block);
  EXPECT_EQ(fresh.offence, 2u);
  EXPECT_EQ(fresh.duration, 3600s);
}

TEST_F(Decide, only_reports_past_the_budget_of_the_minute) {
  budget_.adopt(2);
  EXPECT_EQ(ask(alert_of(attacker(1), kStart)).action, DecisionAction::block);
  EXPECT_EQ(ask(alert_of(attacker(2), kStart)).action, DecisionAction::block);
  EXPECT_EQ(ask(alert_of(attacker(3), kStart)).action, DecisionAction::refuse_rate);
  const auto a_minute_later = kStart + seconds(60);
  EXPECT_EQ(ask(alert_of(attacker(3), a_minute_later), a_minute_later).action,
            DecisionAction::block);
}

TEST_F(Decide, blocks_proven_sources_past_the_budget_and_takes_nothing_from_it) {
  budget_.adopt(1);
  auto proven = alert_of(attacker(1), kStart);
  proven.proven = true;
  EXPECT_EQ(ask(proven).action, DecisionAction::block);
  EXPECT_EQ(budget_.taken(), 0u);
  EXPECT_EQ(ask(alert_of(attacker(2), kStart)).action, DecisionAction::block);
  EXPECT_EQ(ask(alert_of(attacker(3), kStart)).action, DecisionAction::refuse_rate);
  EXPECT_EQ(ask(proven).action, DecisionAction::block);
}

TEST(BlockBudget, counts_exactly_the_last_sixty_seconds) {
  BlockBudget budget(3);
  EXPECT_TRUE(budget.try_take(seconds(100)));
  EXPECT_TRUE(budget.try_take(seconds(130)));
  EXPECT_TRUE(budget.try_take(seconds(159)));
  EXPECT_FALSE(budget.try_take(seconds(159)));
  EXPECT_TRUE(budget.try_take(seconds(160)));
  EXPECT_FALSE(budget.try_take(seconds(189)));
  EXPECT_TRUE(budget.try_take(seconds(190)));
  EXPECT_TRUE(budget.try_take(seconds(100'000)));
  EXPECT_EQ(budget.taken(), 1u);
}

TEST(BlockBudget, survives_a_clock_that_steps_back) {
  BlockBudget budget(2);
  EXPECT_TRUE(budget.try_take(seconds(100)));
  EXPECT_TRUE(budget.try_take(seconds(50)));
  EXPECT_FALSE(budget.try_take(seconds(20)));
  EXPECT_TRUE(budget.try_take(seconds(160)));
}

TEST(Sentence, tells_who_did_what_and_what_follows) {
  const auto alert = alert_of(attacker(1), kStart);
  const base::Prefix source(attacker(1), 32);
  EXPECT_EQ(sentence({DecisionAction::block, 600s, 1}, alert, source),
            "10.0.0.1 sent 16 probes to 15 ports of 1 target within 3 seconds (tcp_syn vertical "
            "scan); it tried too many ports; blocked for 10 minutes, offence 1");
  EXPECT_NE(sentence({DecisionAction::would_block, 600s, 1}, alert, source).find("would be"),
            std::string::npos);
}

TEST(InWords, says_durations_as_people_do) {
  EXPECT_EQ(in_words(0s), "0 seconds");
  EXPECT_EQ(in_words(1s), "1 second");
  EXPECT_EQ(in_words(90s), "1 minute 30 seconds");
  EXPECT_EQ(in_words(3600s), "1 hour");
  EXPECT_EQ(in_words(3601s), "1 hour");
  EXPECT_EQ(in_words(7 * 86400s), "7 days");
  EXPECT_EQ(in_words(86400s + 7200s), "1 day 2 hours");
}

}  // namespace
}  // namespace edgesentry::policy
