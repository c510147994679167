// The appliance answers in the place of targets: replies leave the port the probes came in by, and
// what was received still equals what was forwarded and dropped.
#include <gtest/gtest.h>

#include <algorithm>

#include "eal/rig.h"
#include "wire/parse.h"

namespace edgesentry::test {
namespace {

namespace flag = wire::tcp_flag;
constexpr std::string_view kClient = "198.51.100.7", kDark = "10.9.0.1", kServer = "10.0.0.1";
constexpr std::uint16_t kDeception = 23;

std::unique_ptr<const scan::DetectionPolicy> challenging() {
  auto policy = std::make_unique<scan::DetectionPolicy>(test_policy(true));
  policy->verification.mode = scan::Verify::challenge;
  policy->verification.needed = scan::Proof::answer;
  policy->verification.deception_tcp.insert(kDeception);
  policy->verification.banner = "Go away.";
  const std::array dark = {*base::Prefix::parse("10.9.0.0/16")};
  policy->dark = base::CidrSet(dark);
  policy->generation = 2;
  return policy;
}

struct Answering : testing::Test {
  void begin(const RigOptions& options = {}) {
    rig = std::make_unique<Rig>(options);
    rig->policy().publish(challenging());
    rig->start();
    ASSERT_TRUE(eventually([this] {
      return std::ranges::all_of(rig->plane().tallies(), [](const scan::Tally* tally) {
        return tally->policy_generation.value() == 2;
      });
    }));
  }
  // What came back on the outside wire for one frame sent there.
  std::vector<wire::Probe> ask(const Bytes& frame, std::uint16_t queue = 0) {
    rig->send_outside(frame, queue);
    EXPECT_TRUE(rig->settles());
    std::vector<wire::Probe> probes;
    // A reply is counted after the packet that it was made of, and leaves after that.
    EXPECT_TRUE(eventually([&] {
      replies_ = rig->left_outside();
      return !replies_.empty() || sent() == seen_;
    }));
    for (const Bytes& reply : replies_)
      wire::parse(reply, wire::LinkType::ethernet, probes.emplace_back());
    seen_ += replies_.size();
    return probes;
  }
  std::uint64_t sent() const {
    std::uint64_t sum = 0;
    for (const scan::Tally* tally : rig->plane().tallies())
      for (const base::Counter& reply : tally->replies) sum += reply.value();
    return sum;
  }

  std::unique_ptr<Rig> rig;
  std::vector<Bytes> replies_;
  std::uint64_t seen_ = 0;
};

// As long as one of Linux: what pays for the banner.
Bytes long_syn(std::string_view source) {
  return PacketBuilder()
      .ip(source, kDark)
      .tcp(40'000, kDeception, flag::kSyn, 7)
      .mss()
      .tcp_option({4, 2, 8, 10, 0, 0, 0, 42, 0, 0, 0, 0, 1, 3, 3, 7})
      .bytes();
}

Bytes segment(std::uint8_t flags, std::uint32_t sequence, std::uint32_t acknowledgement) {
  return PacketBuilder()
      .ip(kClient, kDark)
      .tcp(40'000, kDeception, flags, sequence, acknowledgement)
      .bytes();
}

TEST_F(Answering, completes_a_handshake_and_says_its_banner_on_the_outside_wire) {
  begin();
  const auto opened = ask(long_syn(kClient));
  ASSERT_EQ(opened.size(), 1u);
  EXPECT_EQ(opened[0].tcp_flags, flag::kSyn | flag::kAck);
  EXPECT_EQ(opened[0].acknowledgement, 8u);
  const auto told = ask(segment(flag::kAck, 8, opened[0].sequence + 1));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].payload_bytes, 8);
  EXPECT_TRUE(rig->left_inside().empty()) << "the target never hears of it";
  const Totals totals = rig->totals();
  EXPECT_EQ(totals.received, 2u);
  EXPECT_EQ(totals.dropped_verdict, 2u);
  EXPECT_EQ(totals.received_bytes, totals.forwarded_bytes + totals.dropped_bytes);
  const scan::Tally& tally = *rig->plane().tallies()[0];
  EXPECT_EQ(tally.dropped_verdict[static_cast<std::size_t>(scan::VerdictDrop::answered)].value(),
            2u);
  EXPECT_EQ(tally.reply_bytes.value(), (14u + 44) + (14 + 40 + 8));
}

TEST_F(Answering, makes_a_reply_longer_than_the_probe) {
  begin();
  const Bytes probe = PacketBuilder().ip(kClient, kDark).udp(5000, 161).bytes();
  EXPECT_TRUE(ask(probe).empty()) << "28 bytes do not pay for 40";
  const auto replies = ask(probe);
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies_[0].size(), 14u + 40);
  EXPECT_EQ(replies[0].source_port, 161);
}

TEST_F(Answering, answers_from_the_worker_that_has_the_source) {
  begin({.workers = 2});
  std::size_t answered = 0;
  for (std::uint16_t host = 1; host <= 40; ++host) {
    answered += ask(long_syn("198.51.100." + std::to_string(host)), host % 2).size();
  }
  EXPECT_EQ(answered, 40u);
  EXPECT_GT(rig->totals().handed_over, 0u);
  for (const scan::Tally* tally : rig->plane().tallies())
    EXPECT_GT(tally->replies[static_cast<std::size_t>(scan::ReplyKind::syn_ack)].value(), 0u);
  EXPECT_EQ(rig->totals().dropped_verdict, 40u);
}

TEST_F(Answering, leaves_packets_in_two_buffers_unanswered) {
  begin();
  rig->send_outside_in_two(segment(flag::kSyn, 7, 0), 20);
  ASSERT_TRUE(rig->settles());
  const scan::Tally& tally = *rig->plane().tallies()[0];
  EXPECT_TRUE(eventually([&] {
    return tally.replies_refused[static_cast<std::size_t>(scan::ReplyRefusal::buffer)].value() == 1;
  }));
  EXPECT_TRUE(rig->left_outside().empty());
}

TEST_F(Answering, counts_replies_that_the_port_has_no_room_for) {
  begin({.wire_capacity = 4});
  for (std::uint16_t host = 1; host <= 20; ++host)
    rig->send_outside(PacketBuilder()
                          .ip("198.51.100." + std::to_string(host), kDark)
                          .tcp(40'000, kDeception, flag::kSyn)
                          .bytes());
  ASSERT_TRUE(rig->settles());
  const scan::Tally& tally = *rig->plane().tallies()[0];
  EXPECT_TRUE(eventually([&] {
    return tally.replies_refused[static_cast<std::size_t>(scan::ReplyRefusal::transmit)].value() ==
           16;
  }));
  EXPECT_EQ(rig->left_outside().size(), 4u);
  EXPECT_EQ(tally.reply_bytes.value(), 4u * 54);
}

TEST_F(Answering, says_nothing_for_a_live_service_on_a_deception_port) {
  begin();
  const auto conversation = [](std::uint8_t flags, bool is_answer) {
    PacketBuilder builder;
    return is_answer ? builder.ip(kServer, "198.51.100.1").tcp(kDeception, 4000, flags).bytes()
                     : builder.ip("198.51.100.1", kServer).tcp(4000, kDeception, flags).bytes();
  };
  // The service is learned from its own answer; what it answered before, the appliance did not.
  rig->send_inside(conversation(flag::kSyn | flag::kAck, true));
  ASSERT_TRUE(rig->settles());
  (void)rig->left_outside();
  const Bytes visit = PacketBuilder().ip(kClient, kServer).tcp(1, kDeception, flag::kSyn).bytes();
  rig->send_outside(visit);
  ASSERT_TRUE(rig->settles());
  EXPECT_EQ(sent(), 0u);
  EXPECT_EQ(rig->left_inside(), std::vector<Bytes>{visit});
}

TEST_F(Answering, sends_nothing_on_a_tap) {
  begin({.is_tap = true});
  for (int i = 0; i < 50; ++i) rig->send_outside(segment(flag::kSyn, 7, 0));
  ASSERT_TRUE(rig->settles());
  EXPECT_EQ(sent(), 0u);
  EXPECT_TRUE(rig->left_outside().empty());
}

}  // namespace
}  // namespace edgesentry::test
