#include "scan/severity.h"

#include <gtest/gtest.h>

#include "scan/sequential_test.h"

namespace edgesentry::scan {
namespace {

Alert scan_of(Technique technique = Technique::tcp_syn, Shape shape = Shape::vertical) {
  Alert alert;
  alert.technique = technique;
  alert.shape = shape;
  alert.probes = alert.failures = alert.port_count = 15;
  alert.target_count = 1;
  return alert;
}

TEST(Severity, of_an_ordinary_scan_is_medium) {
  EXPECT_EQ(severity_of(scan_of(), 0), Severity::medium);
  EXPECT_EQ(severity_of(scan_of(Technique::udp, Shape::slow), 0), Severity::medium);
}

TEST(Severity, rises_with_technique_size_and_proof_but_once) {
  for (const Technique t : {Technique::tcp_null, Technique::fragment, Technique::idle})
    EXPECT_EQ(severity_of(scan_of(t), 0), Severity::high);
  Alert large = scan_of();
  large.probes = 999;
  EXPECT_EQ(severity_of(large, 0), Severity::medium);
  large.probes = 1000;
  EXPECT_EQ(severity_of(large, 0), Severity::high);
  large.technique = Technique::tcp_xmas;
  large.proven = true;
  EXPECT_EQ(severity_of(large, 0), Severity::high) << "one offence is never critical";
}

TEST(Severity, is_critical_for_proven_sources_that_come_back) {
  Alert alert = scan_of();
  EXPECT_EQ(severity_of(alert, 1), Severity::high);
  EXPECT_EQ(severity_of(alert, 100), Severity::high) << "its packets may be forged";
  alert.proven = true;
  EXPECT_EQ(severity_of(alert, 1), Severity::critical);
  Alert trap = scan_of(Technique::tcp_syn, Shape::trap);
  trap.port_count = 1;
  EXPECT_EQ(severity_of(trap, 0), Severity::low);
  EXPECT_EQ(severity_of(trap, 2), Severity::medium);
  EXPECT_EQ(severity_of(trap, 3), Severity::high);
}

TEST(Severity, of_brute_force_and_exploits_is_high) {
  Alert alert = scan_of(Technique::tcp_connect, Shape::brute_force);
  alert.reason = Reason::failed_logins;
  EXPECT_EQ(severity_of(alert, 0), Severity::high);
  alert.proven = true;
  EXPECT_EQ(severity_of(alert, 0), Severity::high);
  EXPECT_EQ(severity_of(alert, 1), Severity::critical);
}

TEST(Severity, of_touches_and_arp_sweeps_stays_where_it_is) {
  Alert touch = scan_of();
  touch.kind = AlertKind::touch;
  touch.proven = true;
  EXPECT_EQ(severity_of(touch, 5), Severity::info);
  Alert arp = scan_of(Technique::arp, Shape::horizontal);
  arp.probes = 5000;
  EXPECT_EQ(severity_of(arp, 5), Severity::low);
}

TEST(Confidence, of_the_sequential_test_is_its_likelihood_ratio) {
  Alert alert = scan_of();
  alert.reason = Reason::failed_attempts;
  const auto score_of = [](double odds) {
    return static_cast<std::int32_t>(SequentialTest::kScale * natural_log(odds));
  };
  EXPECT_EQ(confidence_of(alert, score_of(3.01)), 75);
  EXPECT_EQ(confidence_of(alert, score_of(19.1)), 95);
  EXPECT_EQ(confidence_of(alert, sequential_test({}).threshold), 99);
  EXPECT_EQ(confidence_of(alert, 1 << 20), 99) << "never certain";
}

TEST(Confidence, follows_the_kind_of_evidence) {
  Alert alert = scan_of();
  alert.reason = Reason::many_targets;
  EXPECT_EQ(confidence_of(alert, 0), 90);
  alert.failures = 2;
  EXPECT_EQ(confidence_of(alert, 0), 80) << "most of it waits for its answer";
  alert.tool.confidence = scan::Confidence::high;
  EXPECT_EQ(confidence_of(alert, 0), 98);
  alert.tool = {};
  alert.reason = Reason::watched_port;
  alert.port_count = 1;
  EXPECT_EQ(confidence_of(alert, 0), 60);
  alert.kind = AlertKind::touch;
  EXPECT_EQ(confidence_of(alert, 0), 50);
}

TEST(Confidence, is_said_for_every_reason) {
  for (std::size_t reason = 0; reason < kReasonNames.size(); ++reason) {
    Alert alert = scan_of();
    alert.reason = static_cast<Reason>(reason);
    EXPECT_GE(confidence_of(alert, sequential_test({}).threshold), 50) << reason;
  }
}

}  // namespace
}  // namespace edgesentry::scan
