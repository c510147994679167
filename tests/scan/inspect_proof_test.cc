// What a source shows by its reactions to SYN-ACKs, and what a forger cannot show for it.
#include <gtest/gtest.h>

#include "probes.h"
#include "scan/cookie.h"

namespace edgesentry::scan {
namespace {

const base::Ip kScanner = ip4(198, 51, 100, 7);
const base::Ip kServer = ip4(192, 0, 2, 10);
const base::Ip kClient = ip4(203, 0, 113, 5);
constexpr std::uint16_t kDeception = 23;
constexpr std::uint8_t kKernel = wire::trait::kTcpTimestamps | wire::trait::kTcpWindowScale;

Flow to_port(std::uint16_t port, const base::Ip& source = kScanner) {
  return {source, kServer, 40000, port};
}

class ProofOfSource : public ::testing::Test {
 protected:
  ProofOfSource() { want(Proof::answer); }
  void want(Proof proof, Verify mode = Verify::challenge) {
    bench.policy.verification.needed = proof;
    bench.policy.verification.mode = mode;
  }
  // Five refusals decide; what follows is answered in the place of the server.
  void scan(std::uint16_t last = 8) {
    for (std::uint16_t port = 1; port <= last; ++port) bench.knock_closed(to_port(port));
  }
  Verdict connect(const Flow& flow) {
    wire::Probe syn = tcp(flow, kSynFlag);
    syn.traits = kKernel;
    return bench.act(syn);
  }
  [[nodiscard]] std::uint32_t number_for(const Flow& flow) const {
    const Conversation talk{flow.source, flow.target, flow.source_port, flow.target_port};
    return cookie_of(cookie_key(kTestKey), talk, bench.now);
  }
  // The RST of the source's kernel to the appliance's SYN-ACK.
  Verdict reset(const Flow& flow, std::uint32_t distance = 0) {
    wire::Probe rst = tcp(flow, kRstFlag);
    rst.sequence = number_for(flow) + distance;
    return bench.act(rst);
  }
  Verdict shake_hands(const Flow& flow, std::uint32_t distance = 0) {
    wire::Probe ack = tcp(flow, kAckFlag);
    ack.acknowledgement = number_for(flow) + 1 + distance;
    return bench.act(ack);
  }
  [[nodiscard]] bool is_blocked() const {
    return !bench.alerts.empty() && bench.alerts.back().dropping;
  }
  void teach(std::uint16_t port) { bench.converse(to_port(port, kClient)); }

  Bench bench;
};

TEST_F(ProofOfSource, blocks_at_the_first_reset_while_the_scan_goes_on) {
  scan();
  EXPECT_EQ(reset(to_port(6), 1), Verdict::pass);
  EXPECT_EQ(reset(to_port(6)), Verdict::hold) << "one of three questions";
  EXPECT_EQ(reset(to_port(7)), Verdict::drop);
  EXPECT_TRUE(is_blocked());
  bench.alerts.clear();
  const base::Ip other = ip4(198, 51, 100, 8);
  for (std::uint16_t port = 1; port <= 6; ++port) bench.knock_closed(to_port(port, other));
  EXPECT_EQ(reset(to_port(6, other)), Verdict::drop);
}

TEST_F(ProofOfSource, blocks_who_resets_three_of_the_appliances_answers) {
  scan();
  bench.pass_time(base::seconds(3));
  EXPECT_EQ(reset(to_port(6)), Verdict::hold);
  EXPECT_EQ(reset(to_port(7)), Verdict::hold);
  EXPECT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(reset(to_port(8)), Verdict::drop);
  ASSERT_EQ(bench.alerts.size(), 2u);
  EXPECT_TRUE(bench.alerts[1].answers);
  EXPECT_TRUE(bench.alerts[1].dropping);
  EXPECT_FALSE(bench.alerts[1].contained);
  EXPECT_EQ(bench.alerts[1].kind, AlertKind::decision);
  teach(443);
  EXPECT_EQ(bench.act(tcp(to_port(443), kSynFlag)), Verdict::drop);
}

TEST_F(ProofOfSource, counts_no_reset_twice) {
  scan(6);
  bench.pass_time(base::seconds(3));
  for (int i = 0; i < 3; ++i) {
    bench.act(tcp(to_port(6), kSynFlag));
    reset(to_port(6));
  }
  Flow again = to_port(6);
  again.source_port = 40001;
  bench.act(tcp(again, kSynFlag));
  reset(again);
  EXPECT_EQ(bench.alerts.size(), 1u);
}

TEST_F(ProofOfSource, takes_no_number_but_its_own) {
  scan();
  for (std::uint16_t port = 6; port <= 8; ++port) reset(to_port(port), 1);
  for (std::uint16_t port = 6; port <= 8; ++port) {
    Flow other = to_port(port);
    other.source_port = 40001;
    wire::Probe replayed = tcp(other, kRstFlag);
    replayed.sequence = number_for(to_port(port));
    bench.act(replayed);
  }
  EXPECT_FALSE(is_blocked());
}

TEST_F(ProofOfSource, takes_no_cookie_from_whom_it_never_answered) {
  bench.replies = false;
  scan();
  for (std::uint16_t port = 6; port <= 8; ++port) reset(to_port(port));
  EXPECT_FALSE(is_blocked());
}

TEST_F(ProofOfSource, takes_no_cookie_after_eight_wrong_ones) {
  scan();
  for (std::uint32_t n = 1; n <= 8; ++n) reset(to_port(8), n);
  EXPECT_EQ(bench.tally.wrong_numbers.value(), 8u);
  for (std::uint16_t port = 6; port <= 8; ++port) reset(to_port(port));
  EXPECT_FALSE(is_blocked());
  EXPECT_EQ(bench.tally.wrong_numbers.value(), 11u);
}

TEST_F(ProofOfSource, seven_wrong_cookies_shut_nobody_out) {
  scan();
  for (std::uint32_t n = 1; n <= 7; ++n) reset(to_port(8), n);
  for (std::uint16_t port = 6; port <= 8; ++port) reset(to_port(port));
  EXPECT_TRUE(is_blocked());
}

TEST_F(ProofOfSource, resets_of_its_own_conversations_are_no_guesses) {
  scan();
  for (std::uint16_t port = 100; port < 150; ++port) reset(to_port(port), 7);
  EXPECT_EQ(bench.tally.wrong_numbers.value(), 0u);
}

// Behind a firewall that lets in what was asked for: the victim gets the answers to his own SYNs
// only, and resets those.
TEST_F(ProofOfSource, a_victim_behind_a_firewall_is_not_blocked_for_his_own_resets) {
  for (std::uint16_t port = 1; port <= 40; ++port) connect(to_port(port));
  bench.pass_time(base::seconds(5));
  ASSERT_EQ(bench.alerts.size(), 1u);
  ASSERT_EQ(bench.alerts[0].technique, Technique::tcp_connect);
  for (std::uint16_t port = 1; port <= 40; ++port) connect(to_port(port + 100));
  for (std::uint16_t port = 8001; port <= 8006; ++port) {
    EXPECT_EQ(connect(to_port(port)), Verdict::answer);
    reset(to_port(port));
  }
  EXPECT_FALSE(is_blocked());
}

TEST_F(ProofOfSource, a_connect_scanner_is_blocked_for_its_resets) {
  for (std::uint16_t port = 1; port <= 12; ++port) {
    connect(to_port(port));
    bench.hear(tcp(to_port(port).back(), kRstAck));
    reset(to_port(port));
  }
  EXPECT_TRUE(is_blocked());
}

TEST_F(ProofOfSource, finds_the_reaction_of_a_fast_scanner_far_away) {
  scan();
  bench.policy.verification.replies_per_second = 10;
  std::vector<Flow> asked;
  for (std::uint16_t port = 1000; port < 3000; ++port) {  // a probe each millisecond
    bench.replies = port % 100 == 0;
    if (bench.act(tcp(to_port(port), kSynFlag)) == Verdict::answer && bench.replies)
      asked.push_back(to_port(port));
    if (port % 100 == 50 && asked.size() > 2) reset(asked[asked.size() - 3]);
  }
  EXPECT_TRUE(is_blocked());
}

// Whoever forges a SYN knows which number a server's SYN-ACK acknowledges.
TEST_F(ProofOfSource, a_reset_of_a_servers_answer_shows_nothing_where_the_appliance_asks) {
  teach(443);
  scan();
  for (std::uint16_t port = 40000; port < 40010; ++port) {
    const Flow flow{kScanner, kServer, port, 443};
    bench.act(tcp(flow, kSynFlag));
    wire::Probe syn_ack = tcp(flow.back(), kSynAck);
    syn_ack.acknowledgement = 1;
    bench.hear(syn_ack);
    wire::Probe rst = tcp(flow, kRstFlag);
    rst.sequence = 1;
    bench.act(rst);
  }
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_FALSE(bench.alerts[0].answers);
}

TEST_F(ProofOfSource, a_reset_is_no_handshake) {
  want(Proof::handshake);
  scan();
  for (std::uint16_t port = 6; port <= 8; ++port) EXPECT_NE(reset(to_port(port)), Verdict::drop);
  ASSERT_EQ(bench.alerts.size(), 2u);
  EXPECT_EQ(bench.alerts[1].kind, AlertKind::proof);
  EXPECT_TRUE(bench.alerts[1].contained);
}

TEST_F(ProofOfSource, a_handshake_with_the_appliance_proves_all) {
  want(Proof::handshake);
  bench.policy.verification.deception_tcp.insert(kDeception);
  scan();
  EXPECT_EQ(bench.act(tcp(to_port(kDeception), kSynFlag)), Verdict::answer);
  EXPECT_EQ(shake_hands(to_port(kDeception)), Verdict::drop);
  EXPECT_TRUE(bench.alerts.back().proven);
  EXPECT_TRUE(is_blocked());
}

TEST_F(ProofOfSource, one_handshake_of_three_proves_nothing) {
  want(Proof::handshake);
  bench.policy.verification.deception_tcp = base::PortSet();
  for (const std::uint16_t port : {21, 22, 23})
    bench.policy.verification.deception_tcp.insert(port);
  scan();
  for (const std::uint16_t port : {21, 22, 23}) bench.act(tcp(to_port(port), kSynFlag));
  shake_hands(to_port(21));
  EXPECT_FALSE(is_blocked());
  shake_hands(to_port(22));
  EXPECT_TRUE(is_blocked());
}

TEST_F(ProofOfSource, a_guessed_handshake_is_not_looked_at_for_ever) {
  want(Proof::handshake);
  bench.policy.verification.deception_tcp.insert(kDeception);
  scan();
  bench.act(tcp(to_port(kDeception), kSynFlag));
  for (std::uint32_t n = 1; n <= 8; ++n) shake_hands(to_port(kDeception), n);
  shake_hands(to_port(kDeception));
  EXPECT_FALSE(is_blocked());
}

TEST_F(ProofOfSource, a_guessed_handshake_with_a_server_is_not_looked_at_for_ever) {
  for (const std::uint32_t wrong : {7u, 8u}) {
    Bench fresh;
    fresh.policy.verification = {.mode = Verify::passive, .needed = Proof::handshake};
    for (std::uint16_t port = 1; port <= 6; ++port) fresh.knock_closed(to_port(port));
    ASSERT_EQ(fresh.alerts.size(), 1u);
    fresh.converse(to_port(443, kClient));
    fresh.act(tcp(to_port(443), kSynFlag));
    wire::Probe syn_ack = tcp(to_port(443).back(), kSynAck);
    syn_ack.sequence = 5000;
    fresh.hear(syn_ack);
    wire::Probe ack = tcp(to_port(443), kAckFlag);
    for (std::uint32_t n = 1; n <= wrong; ++n) {
      ack.acknowledgement = 5001 + n;
      fresh.act(ack);
    }
    ack.acknowledgement = 5001;
    fresh.act(ack);
    EXPECT_EQ(fresh.alerts.back().dropping, wrong < 8);
  }
}

// Whose address was borrowed, he still visits servers.
TEST_F(ProofOfSource, a_visit_to_a_server_proves_no_scan) {
  for (const Proof proof : {Proof::answer, Proof::handshake}) {
    want(proof);
    teach(443);
    scan();
    bench.converse(to_port(443));
    EXPECT_EQ(bench.act(tcp(to_port(443), kSynFlag)), Verdict::pass);
    for (const Alert& alert : bench.alerts) EXPECT_FALSE(alert.dropping);
  }
}

// Three FINs in somebody's name, and then his own connection: what it shows is not about the FINs.
TEST_F(ProofOfSource, a_connection_of_its_own_proves_no_forged_flags) {
  bench.policy.verification.deception_tcp.insert(kDeception);
  EXPECT_EQ(bench.act(tcp(to_port(kDeception), kSynFlag)), Verdict::answer);
  shake_hands(to_port(kDeception));
  for (std::uint16_t port = 70; port < 75; ++port) bench.act(tcp(to_port(port), 0x01));
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(bench.alerts[0].technique, Technique::tcp_fin);
  EXPECT_TRUE(bench.alerts[0].contained);
  EXPECT_FALSE(bench.alerts[0].proven);
  for (std::uint16_t port = 8080; port < 8083; ++port) {
    bench.act(tcp(to_port(port), kSynFlag));
    reset(to_port(port));
  }
  EXPECT_EQ(bench.alerts.size(), 1u);
}

}  // namespace
}  // namespace edgesentry::scan
