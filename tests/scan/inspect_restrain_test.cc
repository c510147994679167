// What an unproven source may still do: bursts that are held, containment, and the way out of it.
#include <gtest/gtest.h>

#include "probes.h"
#include "scan/cookie.h"

namespace edgesentry::scan {
namespace {

const base::Ip kScanner = ip4(198, 51, 100, 7);
const base::Ip kServer = ip4(192, 0, 2, 10);
const base::Ip kClient = ip4(203, 0, 113, 5);

Flow to_port(std::uint16_t port, const base::Ip& source = kScanner) {
  return {source, kServer, 40000, port};
}

class Restrain : public ::testing::Test {
 protected:
  void hold_bursts() { bench.policy.holds_bursts = true; }
  void want(Proof proof, Verify mode = Verify::challenge) {
    bench.policy.verification.needed = proof;
    bench.policy.verification.mode = mode;
  }
  // Five refusals: the sequential test decides.
  Verdict scan() {
    Verdict last = Verdict::pass;
    for (std::uint16_t port = 1; port <= 6; ++port) last = bench.knock_closed(to_port(port));
    return last;
  }
  // The SYN that the appliance answered, and the RST of the source's kernel to that.
  Verdict reset_cookie(const Flow& flow, std::uint32_t distance = 0) {
    const Conversation talk{flow.source, flow.target, flow.source_port, flow.target_port};
    wire::Probe rst = tcp(flow, kRstFlag);
    rst.sequence = cookie_of(cookie_key(kTestKey), talk, bench.now) + distance;
    return bench.act(rst);
  }
  void teach(std::uint16_t port) { bench.converse(to_port(port, kClient)); }

  Bench bench;
};

TEST_F(Restrain, lets_four_of_a_burst_through_before_the_first_answer) {
  hold_bursts();
  int reached = 0;
  for (std::uint16_t port = 1; port <= 14; ++port)
    reached += bench.act(tcp(to_port(port), kSynFlag)) == Verdict::pass;
  EXPECT_EQ(reached, 4);
  EXPECT_TRUE(bench.alerts.empty());
}

TEST_F(Restrain, decides_on_the_fifth_that_came_through) {
  hold_bursts();
  for (std::uint16_t port = 1; port <= 10; ++port) bench.act(tcp(to_port(port), kSynFlag));
  for (std::uint16_t port = 1; port <= 4; ++port) bench.hear(tcp(to_port(port).back(), kRstAck));
  EXPECT_TRUE(bench.alerts.empty());
  bench.knock_closed(to_port(11));
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(bench.alerts[0].reason, Reason::failed_attempts);
  EXPECT_EQ(bench.act(tcp(to_port(99), kSynFlag)), Verdict::drop);
}

// Two contacts with one bit in the sketch of tier 1 are one to it, so that the record begins late.
TEST_F(Restrain, lets_no_more_than_five_through_for_any_source) {
  hold_bursts();
  for (std::uint32_t host = 1; host <= 200; ++host) {
    const base::Ip source = ip4(198, 51, 101, host);
    std::vector<Flow> passed;
    for (std::uint16_t port = 1; port <= 10; ++port)
      if (bench.act(tcp(to_port(port, source), kSynFlag)) == Verdict::pass)
        passed.push_back(to_port(port, source));
    for (const Flow& flow : passed) bench.hear(tcp(flow.back(), kRstAck));
    auto reached = passed.size();
    for (std::uint16_t port = 11; port <= 20; ++port)
      reached += bench.knock_closed(to_port(port, source)) == Verdict::pass;
    EXPECT_LE(reached, 5u) << host;
  }
}

TEST_F(Restrain, lets_an_honest_client_in_at_its_second_try) {
  hold_bursts();
  for (std::uint16_t port = 1; port <= 8; ++port) bench.act(tcp(to_port(port), kSynFlag));
  EXPECT_EQ(bench.act(tcp(to_port(8), kSynFlag)), Verdict::pass);
  Flow elsewhere = to_port(7);
  elsewhere.source_port = 41000;
  EXPECT_EQ(bench.act(tcp(elsewhere, kSynFlag)), Verdict::hold) << "a scanner's second try";
}

TEST_F(Restrain, holds_nobody_whose_calls_are_answered) {
  hold_bursts();
  for (std::uint16_t port = 1; port <= 40; ++port) {
    EXPECT_EQ(bench.act(tcp(to_port(port), kSynFlag)), Verdict::pass) << port;
    bench.hear(tcp(to_port(port).back(), kSynAck));
    bench.act(tcp(to_port(port), kAckFlag));
    bench.act(tcp(to_port(port), kAckFlag, 100));
  }
  EXPECT_TRUE(bench.alerts.empty());
}

TEST_F(Restrain, holds_no_datagram_to_many_hosts_before_one_was_refused) {
  hold_bursts();
  const auto poll = [](std::uint32_t host) {  // as who asks all of them for their health
    Flow flow = to_port(161);
    flow.target = ip4(203, 0, 113, host);
    return flow;
  };
  for (std::uint32_t host = 1; host <= 10; ++host)
    EXPECT_EQ(bench.act(udp(poll(host))), Verdict::pass) << host;
  bench.hear(unreachable(poll(1)));
  EXPECT_EQ(bench.act(udp(poll(11))), Verdict::hold);
}

TEST_F(Restrain, holds_datagrams_that_walk_along_the_ports_of_one_host) {
  hold_bursts();
  for (std::uint16_t port = 1; port <= 4; ++port)  // a call: sound, picture, and a report on each
    EXPECT_EQ(bench.act(udp(to_port(port))), Verdict::pass) << port;
  EXPECT_EQ(bench.act(udp(to_port(5))), Verdict::hold);
  EXPECT_EQ(bench.act(udp(to_port(5))), Verdict::pass) << "who goes on is let through";
  EXPECT_EQ(bench.act(udp(to_port(6))), Verdict::hold);
}

TEST_F(Restrain, holds_datagrams_without_content) {
  hold_bursts();
  int reached = 0;
  for (std::uint16_t port = 1; port <= 10; ++port) {
    wire::Probe probe = udp(to_port(port));
    probe.payload_bytes = 0;
    reached += bench.act(probe) == Verdict::pass;
  }
  EXPECT_EQ(reached, 4);
}

TEST_F(Restrain, never_holds_what_goes_to_a_live_service) {
  hold_bursts();
  teach(443);
  for (std::uint16_t port = 1; port <= 10; ++port) bench.act(tcp(to_port(port), kSynFlag));
  EXPECT_EQ(bench.act(tcp(to_port(443), kSynFlag)), Verdict::pass);
}

TEST_F(Restrain, holds_nobody_on_the_allow_list_and_nothing_in_observe_mode) {
  hold_bursts();
  const base::Prefix allowed(kScanner, 32);
  bench.policy.allow = base::CidrSet(std::vector<base::Prefix>{allowed});
  for (std::uint16_t port = 1; port <= 10; ++port)
    EXPECT_EQ(bench.act(tcp(to_port(port), kSynFlag)), Verdict::pass);
  bench.policy.allow = {};
  bench.policy.enforce = false;
  for (std::uint16_t port = 11; port <= 20; ++port)
    EXPECT_EQ(bench.act(tcp(to_port(port), kSynFlag)), Verdict::pass);
}

TEST_F(Restrain, contains_a_scanner_that_has_proven_nothing) {
  want(Proof::answer);
  teach(443);
  EXPECT_EQ(scan(), Verdict::answer);
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_TRUE(bench.alerts[0].contained);
  EXPECT_FALSE(bench.alerts[0].dropping);
  EXPECT_EQ(bench.act(tcp(to_port(443), kSynFlag)), Verdict::pass) << "a live service";
  EXPECT_EQ(bench.act(udp(to_port(53))), Verdict::answer);
}

TEST_F(Restrain, only_holds_where_it_may_not_answer) {
  want(Proof::answer, Verify::passive);
  EXPECT_EQ(scan(), Verdict::hold);
}

TEST_F(Restrain, passes_on_nothing_that_hides_its_ports) {
  wire::Probe hidden = tcp(to_port(0), 0);
  hidden.source = base::Ip::parse("2001:db8::7").value();
  hidden.target = base::Ip::parse("2001:db8:1::1").value();
  hidden.traits = wire::trait::kIpv6;
  hidden.outcome = wire::ParseOutcome::too_many_headers;
  EXPECT_EQ(bench.act(hidden), Verdict::hold);
  EXPECT_EQ(bench.act(hidden), Verdict::hold) << "a repeat";
  hidden.outcome = wire::ParseOutcome::truncated_transport;
  EXPECT_EQ(bench.act(hidden), Verdict::pass) << "no fragment";
  hidden.traits |= wire::trait::kFragment;
  EXPECT_EQ(bench.act(hidden), Verdict::hold);
  EXPECT_EQ(bench.act(hidden), Verdict::hold);
  bench.policy.enforce = false;
  EXPECT_EQ(bench.act(hidden), Verdict::pass);
}

TEST_F(Restrain, lets_udp_of_whom_a_host_called_pass) {
  want(Proof::answer);
  bench.hear(udp({kServer, kScanner, 50000, 51000}));
  scan();
  EXPECT_EQ(bench.act(udp({kScanner, kServer, 51000, 50000})), Verdict::pass);
}

TEST_F(Restrain, forgets_who_was_contained_and_tried_no_more) {
  want(Proof::answer);
  scan();
  bench.pass_time(base::seconds(599));
  EXPECT_EQ(bench.act(tcp(to_port(50), kSynFlag)), Verdict::answer) << "which counts anew";
  bench.pass_time(base::seconds(599));
  EXPECT_EQ(bench.act(tcp(to_port(51), kSynFlag)), Verdict::answer);
  bench.pass_time(base::seconds(602));
  EXPECT_EQ(bench.act(tcp(to_port(52), kSynFlag)), Verdict::pass);
}

TEST_F(Restrain, plays_a_deception_port_from_the_first_packet) {
  want(Proof::answer);
  bench.policy.verification.deception_tcp.insert(23);
  EXPECT_EQ(bench.act(tcp(to_port(23), kSynFlag)), Verdict::answer);
  EXPECT_EQ(bench.act(tcp(to_port(23), kSynFlag)), Verdict::answer) << "a repeat";
  EXPECT_EQ(bench.act(tcp(to_port(24), kSynFlag)), Verdict::pass);
}

TEST_F(Restrain, never_plays_a_port_where_a_service_lives) {
  want(Proof::answer);
  teach(23);
  bench.policy.verification.deception_tcp.insert(23);
  EXPECT_EQ(bench.act(tcp(to_port(23), kSynFlag)), Verdict::pass);
}

TEST_F(Restrain, answers_for_addresses_where_nobody_lives) {
  want(Proof::answer);
  bench.policy.dark = base::CidrSet(std::vector<base::Prefix>{base::Prefix(kServer, 32)});
  EXPECT_EQ(bench.act(tcp(to_port(80), kSynFlag)), Verdict::answer);
  for (std::uint16_t port = 81; port < 85; ++port) bench.act(tcp(to_port(port), kSynFlag));
  ASSERT_EQ(bench.alerts.size(), 1u) << "each is a failure at once";
  EXPECT_TRUE(bench.alerts[0].contained);
}

TEST_F(Restrain, spares_what_a_contained_source_was_asked_for) {
  want(Proof::answer);
  const Flow call{kServer, kScanner, 50000, 443};
  bench.hear(tcp(call, kSynFlag));
  scan();
  EXPECT_EQ(bench.act(tcp(call.back(), kSynAck)), Verdict::pass);
  EXPECT_EQ(bench.act(tcp(call.back(), kAckFlag, 900)), Verdict::pass);
}

TEST_F(Restrain, blocks_at_once_when_less_proof_is_asked_for) {
  want(Proof::answer);
  scan();
  want(Proof::none);
  EXPECT_EQ(bench.act(tcp(to_port(77), kSynFlag)), Verdict::drop);
}

TEST_F(Restrain, takes_the_block_back_when_control_wants_proof) {
  EXPECT_EQ(scan(), Verdict::drop);
  want(Proof::answer);
  bench.inspector->apply({kScanner, OrderKind::contain, {}}, bench.policy);
  teach(443);
  EXPECT_EQ(bench.act(tcp(to_port(443), kSynFlag)), Verdict::pass);
  EXPECT_EQ(bench.act(tcp(to_port(444), kSynFlag)), Verdict::answer);
}

TEST_F(Restrain, answers_the_syn_acks_of_an_idle_scan_and_no_others) {
  want(Proof::answer);
  const auto ask_zombie = [this](std::uint16_t source_port) {
    return bench.act(tcp({kScanner, kServer, source_port, 80}, kSynAck));
  };
  for (std::uint16_t n = 0; n < 5; ++n) ask_zombie(static_cast<std::uint16_t>(41000 + n));
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(bench.alerts[0].technique, Technique::idle);
  EXPECT_TRUE(bench.alerts[0].contained);
  EXPECT_EQ(ask_zombie(41005), Verdict::answer);
  ask_zombie(41006);
  ask_zombie(41007);
  for (const std::uint16_t port : {41005, 41006, 41007})
    reset_cookie({kScanner, kServer, port, 80});
  EXPECT_EQ(ask_zombie(41008), Verdict::drop) << "somebody lives there";

  const base::Ip other = ip4(198, 51, 100, 8);
  for (std::uint16_t port = 1; port <= 5; ++port) bench.knock_closed(to_port(port, other));
  EXPECT_EQ(bench.act(tcp(to_port(9, other), kSynFlag)), Verdict::answer);
  EXPECT_EQ(bench.act(tcp(to_port(10, other), kSynAck)), Verdict::hold)
      << "perhaps another appliance's";
}

}  // namespace
}  // namespace edgesentry::scan
