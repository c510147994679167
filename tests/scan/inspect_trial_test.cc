// What becomes of somebody in whose name others scan: what he still reaches, and when it ends.
#include <gtest/gtest.h>

#include "probes.h"
#include "scan/held_attempts.h"

namespace edgesentry::scan {
namespace {

const base::Ip kVictim = ip4(198, 51, 100, 7);
const base::Ip kServer = ip4(192, 0, 2, 10);
const base::Ip kClient = ip4(203, 0, 113, 5);
constexpr std::uint8_t kKernel = wire::trait::kTcpTimestamps | wire::trait::kTcpWindowScale;
constexpr std::uint8_t kWindows = wire::trait::kTcpMss | wire::trait::kTcpWindowScale;

Flow to_port(std::uint16_t port, const base::Ip& source = kVictim) {
  return {source, kServer, 50000, port};
}

wire::Probe syn(const Flow& flow, std::uint8_t traits = kKernel, std::uint32_t sequence = 77) {
  wire::Probe probe = tcp(flow, kSynFlag);
  probe.traits = traits;
  probe.sequence = sequence;
  return probe;
}

class Trial : public ::testing::Test {
 protected:
  Trial() { bench.policy.verification = {.mode = Verify::challenge, .needed = Proof::answer}; }
  void scan_in_his_name(std::uint16_t first = 1, std::uint16_t count = 8) {
    for (std::uint16_t port = first; port < first + count; ++port)
      bench.knock_closed(to_port(port));
  }
  // The second SYN of the same attempt, after `ms`.
  Verdict try_twice(const wire::Probe& probe, std::uint64_t ms = 1000) {
    EXPECT_EQ(bench.act(probe), Verdict::answer);
    bench.pass_time(base::milliseconds(ms));
    return bench.act(probe);
  }

  Bench bench;
};

TEST_F(Trial, a_kernels_second_try_reaches_a_service_that_nobody_used_yet) {
  scan_in_his_name();
  const Flow flow = to_port(8443);
  EXPECT_EQ(try_twice(syn(flow)), Verdict::pass);
  bench.hear(tcp(flow.back(), kSynAck));
  EXPECT_EQ(bench.act(tcp(flow, kAckFlag)), Verdict::pass);
  EXPECT_EQ(bench.act(tcp(flow, kAckFlag, 100)), Verdict::pass);
  EXPECT_EQ(bench.act(syn({kVictim, kServer, 50001, 8443})), Verdict::pass) << "it is live now";
  EXPECT_EQ(bench.tally.trials.value(), 1u);
  EXPECT_EQ(bench.alerts.size(), 1u);
}

TEST_F(Trial, waits_no_longer_without_timestamps) {
  scan_in_his_name();
  EXPECT_EQ(try_twice(syn(to_port(8443), kWindows)), Verdict::pass);
}

TEST_F(Trial, is_for_whoever_waits_as_a_kernel_does) {
  scan_in_his_name();
  EXPECT_EQ(try_twice(syn(to_port(8443)), 10), Verdict::answer) << "too soon";
  EXPECT_EQ(try_twice(syn(to_port(8444), wire::trait::kTcpMss)), Verdict::answer) << "a tool's SYN";
  bench.act(syn(to_port(8445)));
  bench.pass_time(base::seconds(1));
  EXPECT_EQ(bench.act(syn({kVictim, kServer, 50001, 8445})), Verdict::answer) << "another port";
  EXPECT_EQ(bench.act(syn(to_port(8445), kKernel, 78)), Verdict::answer) << "another number";
  EXPECT_EQ(bench.tally.trials.value(), 0u);
}

TEST_F(Trial, is_not_for_the_prey_of_worms_nor_where_nobody_lives) {
  bench.policy.dark =
      base::CidrSet(std::vector<base::Prefix>{base::Prefix(ip4(192, 0, 2, 200), 32)});
  scan_in_his_name();
  EXPECT_EQ(try_twice(syn(to_port(445))), Verdict::answer);
  EXPECT_EQ(try_twice(syn({kVictim, ip4(192, 0, 2, 200), 50000, 80})), Verdict::answer);
}

// A scanner that filters its own resets and has a kernel's patience.
TEST_F(Trial, gives_a_patient_guesser_nine_in_ten_minutes) {
  scan_in_his_name();
  int reached = 0;
  for (int second = 0; second < 599; ++second) {
    bench.act(syn(to_port(static_cast<std::uint16_t>(10'000 + second))));
    const auto earlier = static_cast<std::uint16_t>(10'000 + second - 2);
    reached += second >= 2 && bench.act(syn(to_port(earlier))) == Verdict::pass;
    bench.pass_time(base::seconds(1));
  }
  EXPECT_GE(reached, 8);
  EXPECT_LE(reached, 9);
}

// FTP: the control connection is live, each file comes from another high port.
TEST_F(Trial, goes_on_as_long_as_somebody_answers) {
  bench.converse(to_port(21, kClient));
  scan_in_his_name();
  bench.converse(to_port(21));
  for (std::uint16_t port = 60000; port < 60020; ++port) {
    EXPECT_EQ(try_twice(syn(to_port(port)), 2500), Verdict::pass) << port;
    bench.hear(tcp(to_port(port).back(), kSynAck));
    bench.act(tcp(to_port(port), kAckFlag));
  }
}

TEST_F(Trial, with_a_host_that_it_talks_with_is_not_used_up_by_others) {
  bench.converse(to_port(21, kClient));
  bench.converse(to_port(21));
  scan_in_his_name();
  const base::Ip elsewhere = ip4(192, 0, 2, 11);
  for (std::uint16_t port = 100; port < 106; ++port)  // a patient forger
    try_twice(syn({kVictim, elsewhere, 50000, port}), 3000);
  EXPECT_EQ(try_twice(syn({kVictim, elsewhere, 50000, 999})), Verdict::answer);
  EXPECT_EQ(try_twice(syn(to_port(60000))), Verdict::pass);
}

TEST_F(Trial, is_found_again_under_a_flood_in_the_same_name) {
  scan_in_his_name();
  const wire::Probe own = syn(to_port(8443));
  bench.act(own);
  for (std::uint16_t port = 20'000; port < 21'000; ++port) bench.act(syn(to_port(port)));
  EXPECT_EQ(bench.act(own), Verdict::pass);
}

TEST_F(Trial, his_own_patience_does_not_prolong_what_he_suffers) {
  scan_in_his_name();
  wire::Probe ping = icmp({kVictim, kServer}, 8);
  bench.act(ping);
  for (int second = 0; second < 590; ++second) {
    bench.act(tcp(to_port(8), kSynFlag));
    bench.act(ping);
    bench.pass_time(base::seconds(1));
  }
  EXPECT_EQ(bench.act(ping), Verdict::answer);
  bench.pass_time(base::seconds(12));
  EXPECT_EQ(bench.act(ping), Verdict::pass);
  EXPECT_EQ(bench.act(tcp(to_port(8), kSynFlag)), Verdict::pass);
}

TEST(HeldAttempts, knows_an_attempt_from_a_stacks_patience_on) {
  HeldAttempts held;
  const base::Micros start = base::seconds(100);
  const std::uint64_t hash = HeldAttempts::hash_of(syn(to_port(80)), 1);
  EXPECT_FALSE(held.has_waited(hash, start));
  EXPECT_FALSE(held.has_waited(hash, start + base::milliseconds(899)));
  EXPECT_TRUE(held.has_waited(hash, start + base::milliseconds(900)));
  EXPECT_TRUE(held.has_waited(hash, start + base::seconds(70)));
  EXPECT_FALSE(held.has_waited(hash, start + base::milliseconds(70'001)));
}

TEST(HeldAttempts, tells_attempts_apart) {
  const std::uint64_t hash = HeldAttempts::hash_of(syn(to_port(80)), 1);
  EXPECT_NE(HeldAttempts::hash_of(syn(to_port(81)), 1), hash);
  EXPECT_NE(HeldAttempts::hash_of(syn(to_port(80, kClient)), 1), hash);
  EXPECT_NE(HeldAttempts::hash_of(syn(to_port(80), kKernel, 78), 1), hash);
  EXPECT_NE(HeldAttempts::hash_of(syn(to_port(80)), 2), hash) << "another key";
  EXPECT_EQ(HeldAttempts::hash_of(syn(to_port(80), kWindows), 1), hash);
}

}  // namespace
}  // namespace edgesentry::scan
