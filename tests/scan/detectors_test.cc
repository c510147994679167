#include "scan/detectors.h"

#include <gtest/gtest.h>

#include <memory>

namespace edgesentry::scan {
namespace {

constexpr std::int32_t kStep = sequential_test({}).failure;

class Detectors : public ::testing::Test {
 protected:
  void add(std::uint32_t target, std::uint16_t port, Outcome outcome,
           Technique technique = Technique::tcp_syn) {
    suspect->add({.target = target,
                  .at_ms = 0,
                  .port = port,
                  .source_port = 40000,
                  .port_class = technique == Technique::udp ? PortClass::udp : PortClass::tcp,
                  .technique = technique,
                  .outcome = outcome,
                  .sent = 1});
    ++suspect->probes;
    if (outcome == Outcome::completed) ++suspect->successes;
  }
  [[nodiscard]] Evidence evidence() const {
    const Contact& newest = suspect->contacts[suspect->newest];
    return {*suspect, newest, spread_around(*suspect, newest)};
  }
  [[nodiscard]] std::optional<Reason> finding() const {
    return first_finding(evidence(), thresholds);
  }

  std::unique_ptr<Suspect> suspect = std::make_unique<Suspect>();
  Thresholds thresholds;
};

TEST_F(Detectors, find_nothing_in_nothing) {
  add(1, 80, Outcome::pending);
  EXPECT_FALSE(finding().has_value());
}

TEST_F(Detectors, trap_counts_touches_as_portsentry_does) {
  add(1, 23, Outcome::refused);
  for (const std::uint32_t trigger : {0u, 1u}) {
    thresholds.scan_trigger = trigger;
    suspect->touches = 0;
    EXPECT_FALSE(TrapDetector::fires(evidence(), thresholds));
    suspect->touches = 1;
    EXPECT_TRUE(TrapDetector::fires(evidence(), thresholds)) << trigger;
  }
  thresholds.scan_trigger = 3;
  suspect->touches = 2;
  EXPECT_FALSE(TrapDetector::fires(evidence(), thresholds));
  suspect->touches = 3;
  EXPECT_TRUE(TrapDetector::fires(evidence(), thresholds));
}

TEST_F(Detectors, flags_need_several_ports_or_several_kinds) {
  suspect->abnormal_kinds = 1;
  add(1, 22, Outcome::pending, Technique::tcp_null);
  add(1, 23, Outcome::pending, Technique::tcp_null);
  EXPECT_FALSE(FlagDetector::fires(evidence(), thresholds));
  suspect->abnormal_kinds = 3;
  EXPECT_TRUE(FlagDetector::fires(evidence(), thresholds));
  suspect->abnormal_kinds = 1;
  add(1, 24, Outcome::silent, Technique::tcp_null);
  EXPECT_TRUE(FlagDetector::fires(evidence(), thresholds));
}

TEST_F(Detectors, sequential_test_needs_its_steps_and_a_shape) {
  for (std::uint16_t port = 1; port <= 5; ++port) add(1, port, Outcome::refused);
  suspect->score = 4 * kStep;
  EXPECT_FALSE(SequentialDetector::fires(evidence(), thresholds));
  suspect->score = 5 * kStep;
  EXPECT_TRUE(SequentialDetector::fires(evidence(), thresholds));
}

TEST_F(Detectors, sequential_test_leaves_peers_alone_that_fail_on_ports_of_their_own) {
  for (std::uint16_t i = 1; i <= 30; ++i)
    add(i, static_cast<std::uint16_t>(5000 + i), Outcome::refused);
  suspect->score = 30 * kStep;
  EXPECT_FALSE(finding().has_value());
}

TEST_F(Detectors, sequential_test_asks_more_of_a_kernels_calls_to_one_port) {
  suspect->score = 20 * kStep;
  for (std::uint32_t host = 1; host <= 9; ++host)
    add(host, 8080, Outcome::refused, Technique::tcp_connect);
  EXPECT_FALSE(SequentialDetector::fires(evidence(), thresholds));
  add(10, 8080, Outcome::refused, Technique::tcp_connect);
  EXPECT_TRUE(SequentialDetector::fires(evidence(), thresholds));
}

TEST_F(Detectors, sequential_test_takes_its_steps_from_the_thresholds) {
  thresholds.sequential = sequential_test({.false_positive = 1e-5});  // nine failures
  for (std::uint16_t port = 1; port <= 9; ++port) add(1, port, Outcome::refused);
  suspect->score = 8 * kStep;
  EXPECT_FALSE(SequentialDetector::fires(evidence(), thresholds));
  suspect->score = 9 * kStep;
  EXPECT_TRUE(SequentialDetector::fires(evidence(), thresholds));
}

TEST_F(Detectors, ports_count_unanswered_ones_only) {
  for (std::uint16_t port = 1; port <= 14; ++port) add(1, port, Outcome::pending);
  for (std::uint16_t port = 100; port <= 106; ++port) add(1, port, Outcome::completed);
  EXPECT_FALSE(PortsDetector::fires(evidence(), thresholds));
  add(1, 15, Outcome::pending);
  EXPECT_TRUE(PortsDetector::fires(evidence(), thresholds));
}

TEST_F(Detectors, ports_leave_a_client_with_many_answered_ports_alone) {
  for (std::uint16_t port = 1; port <= 40; ++port) add(1, port, Outcome::completed);
  for (std::uint16_t port = 100; port <= 116; ++port) add(1, port, Outcome::refused);
  EXPECT_FALSE(PortsDetector::fires(evidence(), thresholds));
}

TEST_F(Detectors, targets_find_a_sweep_and_count_waiting_kernel_calls_half) {
  for (std::uint32_t host = 1; host <= 15; ++host) add(host, 23, Outcome::pending);
  EXPECT_TRUE(TargetsDetector::fires(evidence(), thresholds));
  suspect = std::make_unique<Suspect>();
  for (std::uint32_t host = 1; host <= 29; ++host)
    add(host, 443, Outcome::pending, Technique::tcp_connect);
  EXPECT_FALSE(TargetsDetector::fires(evidence(), thresholds));
  add(30, 443, Outcome::pending, Technique::tcp_connect);
  EXPECT_TRUE(TargetsDetector::fires(evidence(), thresholds));
}

TEST_F(Detectors, find_a_fast_block_scan_that_nobody_answers) {
  for (std::uint16_t i = 1; i < UnansweredDetector::kUnanswered; ++i)
    add(i % 7 * 1000u + i, i, Outcome::pending);
  EXPECT_FALSE(finding().has_value());
  add(9999, 9999, Outcome::pending);
  EXPECT_EQ(finding(), Reason::many_targets);
}

TEST_F(Detectors, leave_a_client_alone_that_opens_many_connections_with_its_kernel) {
  for (std::uint16_t i = 1; i <= kContacts; ++i)
    add(i, static_cast<std::uint16_t>(1000 + i), Outcome::pending, Technique::tcp_connect);
  EXPECT_FALSE(finding().has_value());
}

TEST_F(Detectors, leave_a_peer_alone_that_sometimes_succeeds) {
  for (std::uint16_t i = 1; i <= 50; ++i)
    add(i, static_cast<std::uint16_t>(1000 + i), Outcome::pending);
  for (std::uint16_t i = 1; i <= 8; ++i) add(100 + i, i, Outcome::completed);
  add(999, 999, Outcome::pending);
  EXPECT_FALSE(UnansweredDetector::fires(evidence(), thresholds));
}

TEST_F(Detectors, udp_silence_is_forgotten_after_a_minute) {
  for (std::uint32_t host = 1; host <= 20; ++host) {
    add(host, 53, Outcome::silent, Technique::udp);
    suspect->contacts[suspect->newest].at_ms = host * 61'000;
  }
  EXPECT_FALSE(finding().has_value());
  for (std::uint16_t i = 0; i < suspect->contact_count; ++i) suspect->contacts[i].at_ms = i;
  EXPECT_EQ(finding(), Reason::many_targets);
}

TEST_F(Detectors, surest_evidence_names_the_reason) {
  suspect->touches = 5;
  suspect->score = 9 * kStep;
  suspect->abnormal_kinds = 1;
  for (std::uint16_t port = 1; port <= 3; ++port)
    add(1, port, Outcome::refused, Technique::tcp_xmas);
  EXPECT_EQ(finding(), Reason::abnormal_flags);
}

}  // namespace
}  // namespace edgesentry::scan
