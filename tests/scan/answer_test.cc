#include "scan/answer.h"

#include <gtest/gtest.h>

#include "scan/probes.h"

namespace edgesentry::scan {
namespace {

const Flow kFlow{ip4(198, 51, 100, 7), ip4(10, 0, 0, 1), 40000, 80};

TEST(Answer, tells_what_a_reset_answers) {
  const Answer to_syn = answer_of(tcp(kFlow.back(), kRstAck));
  EXPECT_EQ(to_syn.kind, AnswerKind::refuse);
  EXPECT_FALSE(to_syn.to_ack);
  EXPECT_EQ(to_syn.port, 80);
  EXPECT_EQ(to_syn.peer_port, 40000);
  EXPECT_EQ(to_syn.target, wire::fold(kFlow.target));
  EXPECT_TRUE(answer_of(tcp(kFlow.back(), kRstFlag)).to_ack);
}

TEST(Answer, tells_accepting_from_calling_and_conversing) {
  EXPECT_EQ(answer_of(tcp(kFlow.back(), kSynAck)).kind, AnswerKind::accept);
  EXPECT_EQ(answer_of(tcp(kFlow.back(), kSynFlag)).kind, AnswerKind::call);
  EXPECT_EQ(answer_of(tcp(kFlow.back(), kAckFlag)).kind, AnswerKind::converse);
}

TEST(Answer, reads_the_quoted_packet_of_an_unreachable) {
  const Answer answer = answer_of(unreachable({kFlow.source, kFlow.target, 40000, 161}));
  EXPECT_EQ(answer.kind, AnswerKind::refuse);
  EXPECT_EQ(answer.port_class, PortClass::udp);
  EXPECT_EQ(answer.port, 161);
  EXPECT_EQ(answer.target, wire::fold(kFlow.target));
}

TEST(Answer, ignores_an_error_without_a_usable_quote) {
  wire::Probe probe = unreachable(kFlow);
  probe.quoted_protocol = 0;
  EXPECT_EQ(answer_of(probe).kind, AnswerKind::none);
}

TEST(Answer, does_not_take_fragmentation_needed_for_a_refusal) {
  wire::Probe probe = unreachable(kFlow);
  probe.icmp_code = 4;
  EXPECT_EQ(answer_of(probe).kind, AnswerKind::none);
}

TEST(Answer, takes_time_exceeded_for_traceroute) {
  wire::Probe probe = unreachable(kFlow);
  probe.icmp_type = 11;
  probe.icmp_code = 0;
  EXPECT_EQ(answer_of(probe).kind, AnswerKind::expire);
}

}  // namespace
}  // namespace edgesentry::scan
