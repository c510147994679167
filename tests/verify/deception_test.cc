// Conversations with a deception port, packet by packet, as a client's kernel would lead them.
#include <string>

#include "verify/rig.h"

namespace edgesentry::verify {
namespace {

namespace flag = wire::tcp_flag;
using scan::ReplyKind;
using scan::ReplyRefusal;

constexpr std::uint16_t kClientPort = 40'000, kPort = 23;
constexpr std::uint32_t kFirst = 5'000'000;  // the client's first sequence number

Bytes timestamps(std::uint32_t value, std::uint32_t echo) {
  Bytes option = {1, 1, 8, 10};
  test::put32(option, value);
  test::put32(option, echo);
  return option;
}

// A SYN of Linux: 60 bytes of IP.
Bytes linux_syn() {
  return probe_of()
      .tcp(kClientPort, kPort, flag::kSyn, kFirst)
      .mss()
      .tcp_option({4, 2, 8, 10, 0, 0, 0, 42, 0, 0, 0, 0, 1, 3, 3, 7})
      .bytes();
}

Bytes segment(std::uint8_t flags, std::uint32_t sequence, std::uint32_t acknowledgement,
              std::size_t payload = 0) {
  return probe_of()
      .tcp(kClientPort, kPort, flags, sequence, acknowledgement)
      .payload(payload)
      .bytes();
}

Bytes stamped(std::uint8_t flags, std::uint32_t sequence, std::uint32_t acknowledgement,
              std::uint32_t echo, std::size_t payload = 0) {
  return probe_of()
      .tcp(kClientPort, kPort, flags, sequence, acknowledgement)
      .tcp_option(timestamps(43, echo))
      .payload(payload)
      .bytes();
}

std::string text_of(const Answer& answer) {
  const auto bytes = std::span(answer.frame).subspan(answer.probe.payload_offset);
  return {bytes.begin(), bytes.begin() + answer.probe.payload_bytes};
}

struct Deception : testing::Test {
  Deception() {
    rig.policy.verification.deception_tcp.insert(kPort);
    rig.policy.verification.banner = "Go away.";
  }
  std::uint32_t cookie() const {
    return scan::cookie_of(scan::cookie_key(kKey), scan::answered_as(wire::parsed(linux_syn())),
                           rig.now);
  }
  ResponderRig rig;
};

TEST_F(Deception, tells_its_banner_and_ends) {
  const Answer opened = rig.ask(linux_syn());
  ASSERT_EQ(opened.reply.kind, ReplyKind::syn_ack);
  EXPECT_EQ(opened.reply.bytes, 14 + 44) << "with the option for the segment size";
  EXPECT_EQ(opened.probe.sequence, cookie());
  EXPECT_EQ(opened.probe.acknowledgement, kFirst + 1);
  EXPECT_GT(opened.probe.window, 0);

  const Answer banner = rig.ask(segment(flag::kAck, kFirst + 1, opened.probe.sequence + 1));
  ASSERT_EQ(banner.reply.kind, ReplyKind::banner);
  EXPECT_EQ(text_of(banner), "Go away.");
  EXPECT_EQ(banner.probe.sequence, opened.probe.sequence + 1);
  EXPECT_EQ(banner.probe.acknowledgement, kFirst + 1);
  EXPECT_EQ(banner.probe.tcp_flags, flag::kAck | flag::kPsh | flag::kFin);

  const std::uint32_t all_read = banner.probe.sequence + 8 + 1;
  EXPECT_TRUE(
      is_refused(rig.ask(segment(flag::kAck, kFirst + 1, all_read)), ReplyRefusal::unneeded));
  const Answer last = rig.ask(segment(flag::kAck | flag::kFin, kFirst + 1, all_read));
  ASSERT_EQ(last.reply.kind, ReplyKind::ack);
  EXPECT_EQ(last.probe.sequence, all_read);
  EXPECT_EQ(last.probe.acknowledgement, kFirst + 2);
}

TEST_F(Deception, ends_at_once_without_a_banner) {
  rig.policy.verification.banner.clear();
  const Answer opened = rig.ask(probe_of().tcp(kClientPort, kPort, flag::kSyn, kFirst).bytes());
  ASSERT_EQ(opened.reply.kind, ReplyKind::syn_ack);
  EXPECT_EQ(opened.reply.bytes, 14 + 40) << "no longer than the SYN";
  const Answer end = rig.ask(segment(flag::kAck, kFirst + 1, opened.probe.sequence + 1));
  ASSERT_EQ(end.reply.kind, ReplyKind::banner);
  EXPECT_EQ(end.probe.tcp_flags, flag::kAck | flag::kFin);
  EXPECT_EQ(end.probe.payload_bytes, 0);
}

TEST_F(Deception, takes_what_the_client_says_and_answers_it_with_the_banner) {
  const Answer opened = rig.ask(linux_syn());
  const Answer banner =
      rig.ask(segment(flag::kAck | flag::kPsh, kFirst + 1, opened.probe.sequence + 1, 18));
  ASSERT_EQ(banner.reply.kind, ReplyKind::banner);
  EXPECT_EQ(banner.probe.acknowledgement, kFirst + 19);
}

TEST_F(Deception, goes_on_where_the_client_stopped_reading) {
  const Answer opened = rig.ask(linux_syn());
  const Answer rest = rig.ask(segment(flag::kAck, kFirst + 1, opened.probe.sequence + 1 + 3));
  ASSERT_EQ(rest.reply.kind, ReplyKind::banner);
  EXPECT_EQ(text_of(rest), "away.");
  EXPECT_EQ(rest.probe.sequence, opened.probe.sequence + 4);
}

TEST_F(Deception, lets_a_client_in_once_it_has_paid_for_a_long_banner) {
  rig.policy.verification.banner.assign(76, 'x');  // 16 are paid by the first SYN, 60 by the next
  const Answer first = rig.ask(linux_syn());
  EXPECT_TRUE(is_refused(first, ReplyRefusal::unpaid)) << "a kernel will ask again";
  const Answer second = rig.ask_later(linux_syn());
  ASSERT_EQ(second.reply.kind, ReplyKind::syn_ack);
  const Answer banner = rig.ask(segment(flag::kAck, kFirst + 1, second.probe.sequence + 1));
  EXPECT_EQ(text_of(banner).size(), 76u);
  EXPECT_TRUE(banner.probe.tcp_flags & flag::kFin);
}

TEST_F(Deception, challenges_scanners_that_will_not_pay) {
  rig.policy.verification.banner.assign(76, 'x');
  for (int i = 0; i < 2; ++i) {
    const Bytes bare = probe_of().tcp(kClientPort, kPort, flag::kSyn, kFirst).mss().bytes();
    EXPECT_EQ(rig.ask_later(bare).reply.kind, ReplyKind::challenge);
  }
}

TEST_F(Deception, sends_in_parts_what_another_conversation_has_left_unpaid) {
  rig.policy.verification.banner.assign(16, 'x');
  const Answer opened = rig.ask(linux_syn());
  // Another probe of the source spends: 28 bytes come in, 40 go out.
  rig.ask(probe_of().udp(1, 2).bytes());
  const Answer part = rig.ask(segment(flag::kAck, kFirst + 1, opened.probe.sequence + 1));
  ASSERT_EQ(part.reply.kind, ReplyKind::banner);
  EXPECT_EQ(part.probe.payload_bytes, 4);
  EXPECT_FALSE(part.probe.tcp_flags & flag::kFin) << "more is to come";
  const Answer rest =
      rig.ask(segment(flag::kAck | flag::kPsh, kFirst + 1, part.probe.sequence + 4, 12));
  EXPECT_EQ(rest.probe.payload_bytes, 12);
  EXPECT_TRUE(rest.probe.tcp_flags & flag::kFin);
}

TEST_F(Deception, challenges_who_acknowledges_what_it_cannot_have_seen) {
  const Answer opened = rig.ask(linux_syn());
  for (const std::uint32_t off : {0u, 11u, 1000u, ~0u}) {
    const Answer answer =
        rig.ask_later(segment(flag::kAck, kFirst + 1, opened.probe.sequence + off));
    EXPECT_EQ(answer.reply.kind, ReplyKind::challenge) << off;
  }
  const Bytes elsewhere =
      probe_of().tcp(kClientPort + 1, kPort, flag::kAck, 1, opened.probe.sequence + 1).bytes();
  EXPECT_EQ(rig.ask_later(elsewhere).reply.kind, ReplyKind::challenge);
}

TEST_F(Deception, knows_its_cookie_until_the_end_of_the_next_epoch) {
  const Answer opened = rig.ask(linux_syn());
  const Bytes ack = segment(flag::kAck, kFirst + 1, opened.probe.sequence + 1);
  rig.now.value += scan::kCookieEpoch;
  EXPECT_EQ(rig.ask(ack).reply.kind, ReplyKind::banner);
  rig.now.value += scan::kCookieEpoch;
  EXPECT_EQ(rig.ask(ack).reply.kind, ReplyKind::challenge);
}

TEST_F(Deception, challenges_odd_flags_and_other_ports) {
  EXPECT_EQ(rig.ask(segment(flag::kSyn | flag::kFin, 1, 0)).reply.kind, ReplyKind::challenge);
  EXPECT_EQ(rig.ask(segment(0, 1, 0)).reply.kind, ReplyKind::challenge);
  EXPECT_EQ(rig.ask(probe_of().tcp(kClientPort, 24, flag::kSyn).bytes()).reply.kind,
            ReplyKind::challenge);
  EXPECT_EQ(rig.ask_later(probe_of().udp(5, kPort).payload(40).bytes()).reply.kind,
            ReplyKind::challenge);
}

struct Tarpit : Deception {
  Tarpit() {
    rig.policy.verification.tarpit = true;
    rig.policy.verification.banner.clear();
  }
};

TEST_F(Tarpit, opens_with_no_window_and_keeps_the_client_s_number_in_its_timestamp) {
  const Answer opened = rig.ask(linux_syn());
  ASSERT_EQ(opened.reply.kind, ReplyKind::syn_ack);
  EXPECT_EQ(opened.reply.bytes, 14 + 52);
  EXPECT_EQ(opened.probe.window, 0);
  const std::span options = std::span(opened.frame).subspan(34 + 20, 12);
  EXPECT_TRUE(std::ranges::equal(options, timestamps(kFirst, 42)));
}

TEST_F(Tarpit, answers_each_probe_of_the_window_and_nothing_else) {
  const Answer opened = rig.ask(linux_syn());
  const std::uint32_t ours = opened.probe.sequence + 1;
  EXPECT_TRUE(
      is_refused(rig.ask(stamped(flag::kAck, kFirst + 1, ours, kFirst)), ReplyRefusal::unneeded));
  for (int i = 0; i < 5; ++i) {
    const Answer held = rig.ask_later(stamped(flag::kAck, kFirst, ours, kFirst));
    ASSERT_EQ(held.reply.kind, ReplyKind::hold);
    EXPECT_EQ(held.probe.window, 0);
    EXPECT_EQ(held.probe.sequence, ours);
    EXPECT_EQ(held.probe.acknowledgement, kFirst + 1);
    EXPECT_EQ(held.probe.tcp_flags, flag::kAck);
    EXPECT_EQ(held.reply.bytes, 14 + 52) << "as long as the probe";
  }
  const Answer data = rig.ask(stamped(flag::kAck | flag::kPsh, kFirst + 1, ours, kFirst, 1));
  EXPECT_EQ(data.reply.kind, ReplyKind::hold);
  EXPECT_EQ(data.probe.acknowledgement, kFirst + 1) << "nothing is taken";
  EXPECT_TRUE(is_refused(rig.ask(stamped(flag::kAck | flag::kFin, kFirst + 1, ours, kFirst)),
                         ReplyRefusal::unneeded));
}

TEST_F(Tarpit, holds_on_when_the_cookie_is_long_forgotten) {
  const Answer opened = rig.ask(linux_syn());
  rig.now.value += 100 * scan::kCookieEpoch;
  const Bytes probe = stamped(flag::kAck, kFirst, opened.probe.sequence + 1, kFirst);
  EXPECT_EQ(rig.ask(probe).reply.kind, ReplyKind::hold);
}

TEST_F(Tarpit, holds_a_client_without_timestamps_by_the_data_it_tries) {
  const Answer opened =
      rig.ask(probe_of().tcp(kClientPort, kPort, flag::kSyn, kFirst).mss().bytes());
  EXPECT_EQ(opened.probe.window, 0);
  const std::uint32_t ours = opened.probe.sequence + 1;
  EXPECT_TRUE(is_refused(rig.ask(segment(flag::kAck, kFirst + 1, ours)), ReplyRefusal::unneeded));
  const Answer data = rig.ask(segment(flag::kAck, kFirst + 1, ours, 1));
  ASSERT_EQ(data.reply.kind, ReplyKind::hold);
  EXPECT_EQ(data.probe.acknowledgement, kFirst + 1);
}

}  // namespace
}  // namespace edgesentry::verify
