#include "control/evidence_words.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace edgesentry::control {
namespace {

scan::Alert five_ports() {
  scan::Alert alert{};
  const std::uint16_t ports[] = {143, 21, 22, 23, 80};
  std::copy(std::begin(ports), std::end(ports), alert.ports.begin());
  alert.protocol = 6;
  alert.port_count = 5;
  alert.targets[0] = base::Ip::v4(0x0a000001);
  alert.target_count = 1;
  alert.probes = 5;
  alert.failures = 4;
  alert.first_seen = base::seconds(100);
  alert.last_seen = base::seconds(150);
  return alert;
}

TEST(AttemptsSentence, puts_ports_in_ranges_and_says_how_fast) {
  EXPECT_EQ(attempts_sentence(five_ports()),
            "It tried ports 21-23,80,143 of 10.0.0.1; 4 of 5 probes were refused or unanswered, a "
            "probe every 10 seconds.");
}

TEST(AttemptsSentence, says_what_it_has_no_room_for) {
  scan::Alert alert = five_ports();
  alert.port_count = 1000;
  for (std::size_t i = 0; i < alert.ports.size(); ++i)
    alert.ports[i] = static_cast<std::uint16_t>(i + 1);
  alert.target_count = 7;
  alert.abnormal = 3;
  alert.successes = 1;
  alert.last_seen = base::seconds(101);
  EXPECT_EQ(
      attempts_sentence(alert),
      "It tried ports 1-24 and 976 more of 10.0.0.1 and 6 more; 4 of 5 probes were refused or "
      "unanswered, 3 had flags that no TCP stack sends, 1 conversation came about, 5 probes "
      "a second.");
}

TEST(AttemptsSentence, leaves_out_what_there_is_not) {
  scan::Alert alert = five_ports();
  alert.protocol = 1;
  alert.probes = alert.failures = 1;
  EXPECT_EQ(attempts_sentence(alert),
            "It tried 10.0.0.1; 1 of 1 probes was refused or unanswered.");
}

TEST(SeveritySentence, says_how_bad_and_how_sure) {
  scan::Alert alert = five_ports();
  alert.severity = scan::Severity::high;
  alert.confidence = 99;
  EXPECT_EQ(severity_sentence(alert),
            "Its severity is high; that it is a scan at all is 99 % sure.");
  alert.shape = scan::Shape::brute_force;
  EXPECT_NE(severity_sentence(alert).find("brute force"), std::string::npos);
}

TEST(ProofSentence, tells_a_proven_address_from_one_that_may_be_forged) {
  scan::Alert alert = five_ports();
  EXPECT_NE(proof_sentence(alert).find("not proven"), std::string::npos);
  alert.proven = true;
  EXPECT_NE(proof_sentence(alert).find("is proven"), std::string::npos);
}

}  // namespace
}  // namespace edgesentry::control
