// Verdicts, orders, allow lists and alerts that found no room.
#include <gtest/gtest.h>

#include "scan/clue_budget.h"
#include "scan/inspect.h"
#include "scan/probes.h"

namespace edgesentry::scan {
namespace {

const base::Ip kScanner = ip4(198, 51, 100, 7);
const base::Ip kServer = ip4(10, 0, 0, 1);

void scan(Bench& bench, const base::Ip& source, std::uint16_t ports = 10) {
  for (std::uint16_t port = 1; port <= ports; ++port)
    bench.knock_closed({source, kServer, 40000, port});
}
Verdict knock(Bench& bench, const base::Ip& source) {
  return bench.act(tcp({source, kServer, 40000, 443}, kSynFlag));
}

TEST(Verdicts, observe_mode_reports_and_drops_nothing) {
  Bench bench;
  bench.policy.enforce = false;
  scan(bench, kScanner, 8);
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_FALSE(bench.alerts[0].dropping);
  EXPECT_EQ(knock(bench, kScanner), Verdict::pass);
}

TEST(Verdicts, switching_to_enforce_blocks_a_scan_that_goes_on) {
  Bench bench;
  bench.policy.enforce = false;
  scan(bench, kScanner, 8);
  bench.policy.enforce = true;
  EXPECT_EQ(bench.act(tcp({kScanner, kServer, 40000, 999}, kSynFlag)), Verdict::drop);
  ASSERT_EQ(bench.alerts.size(), 2u);
  EXPECT_TRUE(bench.alerts[1].dropping);
}

TEST(Verdicts, allow_list_is_reported_and_never_dropped) {
  Bench bench;
  const base::Prefix allowed = base::Prefix::parse("198.51.100.0/24").value();
  bench.policy.allow = base::CidrSet({&allowed, 1});
  scan(bench, kScanner, 60);
  ASSERT_GE(bench.alerts.size(), 1u);
  EXPECT_TRUE(bench.alerts[0].allowed);
  EXPECT_FALSE(bench.alerts[0].dropping);
  EXPECT_EQ(knock(bench, kScanner), Verdict::pass);
  EXPECT_EQ(bench.tally.alerts_allowed.value(), 1u);
}

TEST(Verdicts, lift_forwards_again_and_forgets) {
  Bench bench;
  scan(bench, kScanner);
  EXPECT_EQ(knock(bench, kScanner), Verdict::drop);
  bench.inspector->apply({.source = kScanner, .kind = OrderKind::lift}, bench.policy);
  EXPECT_EQ(knock(bench, kScanner), Verdict::pass);
  bench.knock_closed({kScanner, kServer, 40000, 1});
  EXPECT_EQ(bench.alerts.size(), 1u) << "a single refusal is no scan";
  scan(bench, kScanner);
  EXPECT_EQ(bench.alerts.size(), 2u);
}

TEST(Verdicts, in_the_burst_of_the_decision_repeats_behind_it_are_dropped) {
  Bench bench;
  const wire::Probe known = tcp({kScanner, kServer, 40000, 80}, kSynFlag);
  const base::Ip visitor = ip4(203, 0, 113, 5);
  const wire::Probe other = tcp({visitor, kServer, 40000, 80}, kSynFlag);
  bench.act(known);
  bench.act(other);
  constexpr std::uint16_t kNullProbes = 8;
  std::vector<wire::Probe> burst = {known, other};
  for (std::uint16_t port = 1; port <= kNullProbes; ++port)
    burst.push_back(tcp({kScanner, kServer, 40000, port}, 0));
  burst.push_back(known);
  burst.push_back(other);
  std::vector<Verdict> verdicts(burst.size());
  bench.inspector->inspect(burst, Role::actor, bench.now, bench.policy, verdicts, bench.outbox);
  ASSERT_EQ(bench.outbox.alerts().size(), 1u);
  EXPECT_EQ(verdicts[0], Verdict::pass) << "it came before the decision";
  EXPECT_EQ(verdicts[burst.size() - 2], Verdict::drop) << "it came behind the decision";
  EXPECT_EQ(verdicts[1], Verdict::pass);
  EXPECT_EQ(verdicts[burst.size() - 1], Verdict::pass) << "of somebody else";
}

TEST(Verdicts, announced_probes_get_the_verdicts_of_unannounced_ones) {
  Bench announced, plain;
  for (std::uint16_t round = 0; round < 8; ++round) {
    std::vector<wire::Probe> burst;
    for (std::uint16_t i = 0; i < kBurstMax; ++i)
      burst.push_back(tcp({ip4(198, 51, 100, i % 7), kServer, 40000,
                           static_cast<std::uint16_t>(round * kBurstMax + i)},
                          i % 5 == 0 ? std::uint8_t{0} : kSynFlag));
    const std::size_t told = round * 9;  // none, some, not only whole groups
    std::vector<Verdict> first(burst.size()), second(burst.size());
    announced.inspector->expect(std::span(burst).first(told), Role::actor, announced.policy);
    announced.inspector->inspect(burst, Role::actor, announced.now, announced.policy, first,
                                 announced.outbox);
    plain.inspector->inspect(burst, Role::actor, plain.now, plain.policy, second, plain.outbox);
    EXPECT_EQ(first, second) << "round " << round;
    EXPECT_EQ(announced.outbox.alerts().size(), plain.outbox.alerts().size());
    announced.outbox.clear();
    plain.outbox.clear();
  }
  EXPECT_EQ(announced.tally.blocked_sources.value(), plain.tally.blocked_sources.value());
}

TEST(Verdicts, an_order_blocks_a_source_never_seen) {
  Bench bench;
  const Order order{.source = kScanner, .kind = OrderKind::block};
  bench.inspector->apply(order, bench.policy);
  bench.inspector->apply(order, bench.policy);
  EXPECT_EQ(knock(bench, kScanner), Verdict::drop);
  EXPECT_EQ(knock(bench, ip4(198, 51, 100, 8)), Verdict::pass);
  bench.inspector->apply({.source = kScanner, .kind = OrderKind::lift}, bench.policy);
  EXPECT_EQ(knock(bench, kScanner), Verdict::pass);
}

TEST(Verdicts, a_block_counts_for_every_packet_of_the_source) {
  Bench bench;
  bench.inspector->apply({.source = kScanner, .kind = OrderKind::block}, bench.policy);
  const Flow flow{kScanner, kServer, 40000, 80};
  EXPECT_EQ(bench.act(tcp(flow, kAckFlag, 100)), Verdict::drop);
  EXPECT_EQ(bench.act(tcp(flow, kRstFlag)), Verdict::drop);
  EXPECT_EQ(bench.act(udp(flow)), Verdict::drop);
  EXPECT_EQ(bench.act(icmp(flow, 8)), Verdict::drop);
  wire::Probe broken = tcp(flow, 0);
  broken.outcome = wire::ParseOutcome::bad_tcp_header_length;
  EXPECT_EQ(bench.act(broken), Verdict::drop);
  broken.outcome = wire::ParseOutcome::later_fragment;
  EXPECT_EQ(bench.act(broken), Verdict::drop);
}

TEST(Verdicts, an_ipv6_prefix_is_blocked_as_one_and_its_neighbour_is_not) {
  Bench bench;
  scan(bench, base::Ip::parse("2001:db8:1:2::1").value());
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(bench.alerts[0].prefix_length, 64);
  EXPECT_EQ(knock(bench, base::Ip::parse("2001:db8:1:2::ffff").value()), Verdict::drop);
  EXPECT_EQ(knock(bench, base::Ip::parse("2001:db8:1:3::1").value()), Verdict::pass);
}

TEST(Verdicts, a_block_outlives_its_place_in_tier_one) {
  Bench bench(16, 16, 4096);
  for (std::uint32_t i = 0; i < 1000; ++i)
    bench.inspector->apply({.source = base::Ip::v4(i + 1), .kind = OrderKind::block}, bench.policy);
  for (std::uint32_t i = 0; i < 1000; ++i)
    EXPECT_EQ(knock(bench, base::Ip::v4(i + 1)), Verdict::drop) << i;
  for (std::uint32_t i = 2000; i < 3000; ++i)
    EXPECT_EQ(knock(bench, base::Ip::v4(i)), Verdict::pass) << i;
}

TEST(Verdicts, a_table_full_of_blocks_still_finds_new_scanners) {
  Bench bench(16, 16, 4096);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    bench.inspector->apply({.source = base::Ip::v4(i + 1), .kind = OrderKind::block}, bench.policy);
    knock(bench, base::Ip::v4(i + 1));
  }
  scan(bench, kScanner);
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(knock(bench, kScanner), Verdict::drop);
  for (std::uint32_t i = 0; i < 1000; ++i)
    EXPECT_EQ(knock(bench, base::Ip::v4(i + 1)), Verdict::drop) << i;
}

TEST(Alerts, are_offered_again_with_the_next_packet_of_a_blocked_source) {
  Bench bench;
  scan(bench, kScanner);
  ASSERT_EQ(bench.alerts.size(), 1u);
  const Alert refused = bench.alerts[0];
  bench.inspector->offer_again(refused);
  EXPECT_EQ(knock(bench, kScanner), Verdict::drop);
  ASSERT_EQ(bench.alerts.size(), 2u);
  EXPECT_EQ(bench.alerts[1].source, kScanner);
  EXPECT_EQ(bench.alerts[1].kind, AlertKind::decision);
  EXPECT_TRUE(bench.alerts[1].dropping);
  EXPECT_EQ(knock(bench, kScanner), Verdict::drop);
  EXPECT_EQ(bench.alerts.size(), 2u) << "once taken, it is not offered again";
}

TEST(Alerts, are_offered_again_by_housekeeping_when_the_source_is_silent) {
  Bench bench;
  scan(bench, kScanner);
  bench.inspector->offer_again(bench.alerts.at(0));
  bench.pass_time(base::milliseconds(10));
  EXPECT_EQ(bench.alerts.size(), 2u);
}

TEST(Alerts, that_wait_keep_their_place_in_a_table_full_of_blocks) {
  Bench bench(16, 16, 4096);
  scan(bench, kScanner);
  bench.inspector->offer_again(bench.alerts.at(0));
  const auto knock_of_the_blocked = [&](std::uint32_t i) {
    bench.inspector->apply({.source = base::Ip::v4(i), .kind = OrderKind::block}, bench.policy);
    knock(bench, base::Ip::v4(i));
  };
  for (std::uint32_t i = 1; i <= 1000; ++i) knock_of_the_blocked(i);
  bench.pass_time(base::milliseconds(10));
  EXPECT_EQ(bench.alerts.size(), 2u) << "or the source is dropped, and nobody ever lifts it";
  const std::uint64_t suspects = bench.tally.suspects.value();
  for (std::uint32_t i = 1; i <= 1000; ++i) knock_of_the_blocked(i);
  bench.pass_time(base::milliseconds(10));
  EXPECT_LT(bench.tally.suspects.value(), suspects) << "once taken, its place is given away";
  EXPECT_EQ(knock(bench, kScanner), Verdict::drop);
}

TEST(Alerts, more_than_an_outbox_holds_are_not_lost) {
  Bench bench;
  std::vector<wire::Probe> burst;
  for (std::uint32_t round = 0; round < 3; ++round) {
    burst.clear();
    for (std::uint32_t i = 0; i < kBurstMax; ++i)
      burst.push_back(
          tcp({base::Ip::v4(0xc6000000 + i), kServer, 40000, static_cast<std::uint16_t>(round + 1)},
              0));
    std::vector<Verdict> verdicts(burst.size());
    bench.inspector->inspect(burst, Role::actor, bench.now, bench.policy, verdicts, bench.outbox);
  }
  EXPECT_EQ(bench.outbox.alerts().size(), kBurstMax);
  // The outbox is left full: 64 more sources decide and find no room.
  for (std::uint32_t round = 0; round < 3; ++round) {
    burst.clear();
    for (std::uint32_t i = 0; i < kBurstMax; ++i)
      burst.push_back(
          tcp({base::Ip::v4(0xc7000000 + i), kServer, 40000, static_cast<std::uint16_t>(round + 1)},
              0));
    std::vector<Verdict> verdicts(burst.size());
    bench.inspector->inspect(burst, Role::actor, bench.now, bench.policy, verdicts, bench.outbox);
  }
  EXPECT_EQ(bench.tally.alerts_refused.value(), kBurstMax);
  bench.outbox.clear();
  bench.pass_time(base::milliseconds(10));
  EXPECT_EQ(bench.alerts.size(), kBurstMax);
}

TEST(Alerts, grow_on_a_scale_of_ten) {
  Bench bench;
  bench.policy.enforce = false;
  scan(bench, kScanner, 600);
  ASSERT_EQ(bench.alerts.size(), 3u);
  EXPECT_EQ(bench.alerts[0].probes, 5u);
  EXPECT_EQ(bench.alerts[1].kind, AlertKind::growth);
  EXPECT_EQ(bench.alerts[1].probes, 50u);
  EXPECT_EQ(bench.alerts[2].probes, 500u);
  EXPECT_NEAR(bench.alerts[2].port_count, 500, 75);
}

TEST(Clues, tell_of_the_first_failures_of_a_source_and_no_more) {
  Bench bench;
  const base::Ip source = ip4(198, 51, 100, 9), server = ip4(10, 0, 0, 1);
  bench.knock_closed({source, server, 40000, 81});
  ASSERT_EQ(bench.clues.size(), 1u);
  EXPECT_EQ(bench.clues[0].source, source);
  EXPECT_EQ(bench.clues[0].last_target, server);
  EXPECT_EQ(bench.clues[0].last_port, 81);
  EXPECT_TRUE(bench.alerts.empty());
  for (std::uint16_t port = 82; port < 120; ++port)
    bench.knock_closed({source, server, port, port});
  EXPECT_EQ(bench.clues.size(), kAlertTargets);
}

TEST(Clues, are_not_sent_for_conversations_or_services_that_failed) {
  Bench bench;
  const base::Ip server = ip4(10, 0, 0, 1);
  bench.converse({ip4(198, 51, 100, 9), server, 40000, 80});
  bench.knock_closed({ip4(198, 51, 100, 10), server, 40000, 80});
  EXPECT_TRUE(bench.clues.empty());
}

TEST(Clues, of_a_flood_are_held_to_their_budget) {
  Bench bench;
  for (std::uint32_t n = 0; n < 20'000; ++n)
    bench.knock_closed({base::Ip::v4(0xc6000000u + n), ip4(10, 0, 0, 1), 40000, 81});
  ClueBudget budget;
  std::size_t taken = 0;
  for (int i = 0; i < 10'000; ++i) taken += budget.take(base::seconds(5));
  EXPECT_EQ(taken, ClueBudget::kPerSecond);
  EXPECT_TRUE(budget.take(base::seconds(6)));
  EXPECT_EQ(bench.tally.clues.value(), bench.clues.size());
}

}  // namespace
}  // namespace edgesentry::scan
