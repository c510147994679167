// What is answered, byte for byte, and what never is.
#include "verify/responder.h"

#include <map>

#include "verify/checksum.h"
#include "verify/frame_view.h"
#include "verify/rig.h"

namespace edgesentry::verify {
namespace {

namespace flag = wire::tcp_flag;
using scan::ReplyKind;
using scan::ReplyRefusal;

constexpr std::uint8_t kSynAck = flag::kSyn | flag::kAck;

// The frame as the builder makes it from the same numbers, Ethernet addresses the other way round.
Bytes expected(const wire::Probe& reply, bool is_ipv6, std::vector<std::uint16_t> tags = {}) {
  PacketBuilder builder;
  for (const std::uint16_t tag : tags) builder.vlan(tag);
  builder.ip(is_ipv6 ? kTarget6 : kTarget, is_ipv6 ? kScanner6 : kScanner).identification(0);
  Bytes frame =
      builder
          .tcp(reply.source_port, reply.target_port, kSynAck, reply.sequence, reply.acknowledgement)
          .bytes();
  std::swap_ranges(frame.begin(), frame.begin() + 6, frame.begin() + 6);
  return frame;
}

// The builder's window is 1024: compare all but window and checksum, and the checksum by parsing
// the frame again as a probe of which the checksum is verified.
void expect_same(Bytes made, Bytes wanted, std::size_t tcp) {
  ASSERT_EQ(made.size(), wanted.size());
  for (Bytes* frame : {&made, &wanted})
    std::fill_n(frame->begin() + static_cast<std::ptrdiff_t>(tcp) + 14, 4, std::uint8_t{0});
  EXPECT_EQ(made, wanted);
}

TEST(Responder, answers_a_syn_with_a_cookie_where_the_reset_will_bring_it_back) {
  ResponderRig rig;
  const Bytes probe = probe_of().tcp(40'000, 81, flag::kSyn, 77).mss().bytes();
  const Answer answer = rig.ask(probe);
  ASSERT_GT(answer.reply.bytes, 0);
  EXPECT_EQ(answer.reply.kind, ReplyKind::challenge);
  EXPECT_EQ(
      answer.probe.acknowledgement,
      scan::cookie_of(scan::cookie_key(kKey), scan::answered_as(wire::parsed(probe)), kStart));
  EXPECT_EQ(answer.probe.source_port, 81);
  EXPECT_EQ(answer.probe.target_port, 40'000);
  EXPECT_EQ(answer.probe.ttl, 64);
  expect_same(answer.frame, expected(answer.probe, false), 34);
  EXPECT_TRUE(read_frame(answer.probe, answer.frame).is_answerable) << "checksums hold";
}

TEST(Responder, answers_over_ipv6_and_behind_tags) {
  ResponderRig rig;
  const Answer v6 = rig.ask(probe_of(true).tcp(40'000, 81, flag::kFin).bytes());
  ASSERT_EQ(v6.reply.bytes, 14 + 60);
  expect_same(v6.frame, expected(v6.probe, true), 54);
  EXPECT_TRUE(read_frame(v6.probe, v6.frame).is_answerable);

  const Answer tagged =
      rig.ask(PacketBuilder().vlan(7).vlan(8).ip(kScanner, kTarget).tcp(1, 2, flag::kAck).bytes());
  ASSERT_EQ(tagged.reply.bytes, 22 + 40);
  expect_same(tagged.frame, expected(tagged.probe, false, {7, 8}), 42);
  EXPECT_TRUE(read_frame(tagged.probe, tagged.frame).is_answerable);
}

TEST(Responder, answers_every_tcp_probe_but_resets) {
  for (int flags = 0; flags < 256; ++flags) {
    ResponderRig rig;
    const auto bits = static_cast<std::uint8_t>(flags);
    const Answer answer = rig.ask(probe_of().tcp(40'000, 81, bits).bytes());
    if ((bits & flag::kRst) != 0)
      EXPECT_TRUE(is_refused(answer, ReplyRefusal::unneeded)) << flags;
    else
      EXPECT_EQ(answer.reply.kind, ReplyKind::challenge) << flags;
  }
}

TEST(Responder, answers_udp_from_the_ports_it_was_asked_on_once_it_is_paid) {
  ResponderRig rig;
  const Bytes probe = probe_of().udp(40'000, 161).bytes();  // 28 bytes, a reply takes 40
  EXPECT_TRUE(is_refused(rig.ask(probe), ReplyRefusal::unpaid));
  const Answer answer = rig.ask(probe);
  ASSERT_GT(answer.reply.bytes, 0);
  EXPECT_EQ(answer.probe.tcp_flags, kSynAck);
  EXPECT_EQ(answer.probe.source_port, 161);
  EXPECT_EQ(answer.probe.target_port, 40'000);
}

TEST(Responder, is_paid_by_packets_that_got_no_answer) {
  ResponderRig rig;
  const Bytes probe = probe_of().udp(40'000, 161).bytes();
  rig.responder.note(wire::parsed(probe), probe, rig.now);
  EXPECT_GT(rig.ask(probe).reply.bytes, 0);
}

TEST(Responder, answers_pings_and_protocol_scans_from_a_web_server_s_port) {
  ResponderRig rig;
  const Bytes ping = probe_of().icmp(8, 0).payload(56).bytes();
  const Answer answer = rig.ask(ping);
  ASSERT_GT(answer.reply.bytes, 0);
  EXPECT_EQ(answer.probe.source_port, 80);
  EXPECT_GE(answer.probe.target_port, 40'000);
  const scan::Conversation way = scan::answered_as(wire::parsed(ping));
  EXPECT_EQ(way.source_port, answer.probe.target_port) << "both sides name the same ports";
  EXPECT_GT(rig.ask(probe_of().protocol(47).payload(40).bytes()).reply.bytes, 0);
  EXPECT_GT(rig.ask(probe_of(true).icmp(128, 0).payload(56).bytes()).reply.bytes, 0);
}

TEST(Responder, never_answers_errors_and_replies) {
  ResponderRig rig;
  for (const std::uint8_t type : {0, 3, 4, 5, 11, 12, 14, 16, 18})
    EXPECT_TRUE(
        is_refused(rig.ask(probe_of().icmp(type, 0).payload(99).bytes()), ReplyRefusal::unneeded))
        << int{type};
  for (const std::uint8_t type : {1, 2, 3, 4, 129, 133, 134, 135, 136})
    EXPECT_TRUE(is_refused(rig.ask(probe_of(true).icmp(type, 0).payload(99).bytes()),
                           ReplyRefusal::unneeded))
        << int{type};
}

TEST(Responder, never_answers_what_means_no_single_host) {
  using Pair = std::pair<std::string_view, std::string_view>;
  for (const auto& [from, to] :
       {Pair{"224.0.0.5", kTarget}, Pair{kScanner, "239.1.1.1"}, Pair{"255.255.255.255", kTarget},
        Pair{kScanner, "255.255.255.255"}, Pair{"127.0.0.1", kTarget}, Pair{kScanner, "127.0.0.1"},
        Pair{"0.0.0.0", kTarget}, Pair{"0.1.2.3", kTarget}, Pair{"240.0.0.1", kTarget},
        Pair{kTarget, kTarget}, Pair{"::", kTarget6}, Pair{"::1", kTarget6},
        Pair{kScanner6, "ff02::1"}, Pair{"ff02::1", kTarget6}, Pair{kTarget6, kTarget6}}) {
    ResponderRig rig;
    const Bytes probe = PacketBuilder().ip(from, to).tcp(40'000, 81, flag::kSyn).bytes();
    EXPECT_TRUE(is_refused(rig.ask(probe), ReplyRefusal::address)) << from << " to " << to;
  }
}

TEST(Responder, never_answers_groups_of_the_link_nor_names_of_the_inside) {
  ResponderRig rig;
  const Bytes probe = probe_of().tcp(40'000, 81, flag::kSyn).bytes();
  for (const std::size_t at : {0u, 6u}) {
    Bytes group = probe;
    group[at] |= 1;
    EXPECT_TRUE(is_refused(rig.ask(group), ReplyRefusal::address));
  }
  const std::array inside = {*base::Prefix::parse("198.51.100.0/24")};
  rig.policy.inside = base::CidrSet(inside);
  EXPECT_TRUE(is_refused(rig.ask(probe), ReplyRefusal::address));
}

TEST(Responder, never_answers_what_is_damaged) {
  const std::map<std::string, Bytes> wholes = {
      {"tcp", probe_of().tcp(40'000, 81, flag::kSyn).bytes()},
      {"tcp6", probe_of(true).tcp(40'000, 81, flag::kSyn).bytes()},
      {"udp", probe_of().udp(40'000, 161).payload(31).bytes()},
      {"icmp", probe_of().icmp(8, 0).payload(31).bytes()},
      {"icmp6", probe_of(true).icmp(128, 0).payload(31).bytes()}};
  for (const auto& [name, whole] : wholes) {
    ResponderRig rig;
    Bytes damaged = whole;
    damaged.back() ^= 0x40;
    EXPECT_TRUE(is_refused(rig.ask(damaged), ReplyRefusal::checksum)) << name;
    EXPECT_GT(rig.ask(whole).reply.bytes, 0) << name;
  }
  ResponderRig rig;
  Bytes header = wholes.at("tcp");
  header[14 + 8] ^= 1;  // the TTL
  EXPECT_TRUE(is_refused(rig.ask(header), ReplyRefusal::checksum));
}

TEST(Responder, answers_sctp_whose_checksum_holds) {
  ResponderRig rig;
  Bytes probe = probe_of().sctp(40'000, 38412, 1).bytes();
  EXPECT_TRUE(is_refused(rig.ask(probe), ReplyRefusal::checksum)) << "the builder leaves it 0";
  const std::uint32_t sum = crc32c_of(std::span(probe).subspan(34));
  for (int i = 0; i < 4; ++i) probe[34 + 8 + i] = static_cast<std::uint8_t>(sum >> (8 * i));
  const Answer answer = rig.ask(probe);
  ASSERT_GT(answer.reply.bytes, 0);
  EXPECT_EQ(answer.probe.source_port, 38412);
}

TEST(Checksum, of_sctp_is_crc32c) {
  const std::string_view check =
      "123456789";  // RFC 3720, appendix B.4 names the polynomial's check
  EXPECT_EQ(crc32c_of({reinterpret_cast<const std::uint8_t*>(check.data()), check.size()}),
            0xe3069283u);
}

TEST(Responder, never_answers_fragments_tunnels_and_extension_headers) {
  ResponderRig rig;
  const auto refuses = [&](const Bytes& frame) {
    return is_refused(rig.ask(frame), ReplyRefusal::malformed);
  };
  EXPECT_TRUE(refuses(probe_of().fragment(0, true).tcp(40'000, 81, flag::kSyn).bytes()));
  EXPECT_TRUE(refuses(probe_of().fragment(24, false).tcp(40'000, 81, flag::kSyn).bytes()));
  EXPECT_TRUE(refuses(probe_of(true).fragment(0, false).tcp(40'000, 81, flag::kSyn).bytes()));
  EXPECT_TRUE(refuses(probe_of(true).hop_by_hop().tcp(40'000, 81, flag::kSyn).bytes()));
  using namespace test::frames;
  for (const auto& sample : tunnel_samples()) EXPECT_TRUE(refuses(sample.bytes)) << sample.name;
  const Bytes triple =
      PacketBuilder().vlan(1).vlan(2).vlan(3).ip(kScanner, kTarget).tcp(1, 2, 2).bytes();
  EXPECT_TRUE(refuses(triple));
}

TEST(Responder, never_answers_half_a_packet) {
  ResponderRig rig;
  const Bytes whole = probe_of().tcp(40'000, 81, flag::kSyn).mss().bytes();
  const wire::Probe probe = wire::parsed(whole);  // the worst case: a probe that was not checked
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(rig.ask_as(probe, part).reply.bytes, 0) << size;
  }
}

TEST(Responder, sends_a_source_no_more_than_its_rate_and_all_no_more_than_theirs) {
  ResponderRig rig;
  rig.policy.verification.replies_per_second = 3;
  rig.policy.verification.replies_per_second_total = 5;
  const auto from = [](std::uint32_t host) {
    return PacketBuilder()
        .ip(base::Ip::v4(0xc6336400u + host), *base::Ip::parse(kTarget))
        .tcp(40'000, 81, flag::kSyn)
        .bytes();
  };
  for (int i = 0; i < 3; ++i) EXPECT_GT(rig.ask(from(1)).reply.bytes, 0);
  EXPECT_TRUE(is_refused(rig.ask(from(1)), ReplyRefusal::source_rate));
  for (std::uint32_t host = 2; host < 4; ++host) EXPECT_GT(rig.ask(from(host)).reply.bytes, 0);
  EXPECT_TRUE(is_refused(rig.ask(from(4)), ReplyRefusal::total_rate));
  rig.now.value += 1'000'000;
  EXPECT_GT(rig.ask(from(4)).reply.bytes, 0);
}

TEST(Responder, shares_the_total_out_among_the_workers) {
  ResponderRig rig({.key = kKey, .workers = 4});
  rig.policy.verification.replies_per_second = 100;
  rig.policy.verification.replies_per_second_total = 8;
  int sent = 0;
  for (int i = 0; i < 10; ++i)
    sent += rig.ask(probe_of().tcp(40'000, 81, flag::kSyn).bytes()).reply.bytes > 0 ? 1 : 0;
  EXPECT_EQ(sent, 2);
}

// Bytes and packets, per source, over a long mixture of probes.
TEST(Responder, never_sends_a_source_more_than_it_sent) {
  ResponderRig rig;
  rig.policy.verification.replies_per_second = 1000;
  rig.policy.verification.deception_tcp.insert_range(1, 40);
  rig.policy.verification.banner = "Your address has been noted. Go away.";
  struct Account {
    std::uint64_t in = 0, out = 0, packets_in = 0, packets_out = 0;
  };
  std::map<std::uint32_t, Account> accounts;
  std::uint32_t state = 1;
  for (int i = 0; i < 20'000; ++i) {
    state = state * 1664525u + 1013904223u;
    const std::uint32_t host = state >> 24, kind = state >> 16 & 3;
    const auto port = static_cast<std::uint16_t>(state >> 8 & 63);
    PacketBuilder builder;
    builder.ip(base::Ip::v4(0xc6336400u + host), *base::Ip::parse(kTarget));
    if (kind == 0) builder.udp(5, port);
    if (kind == 1) builder.icmp(8, 0);
    if (kind >= 2) builder.tcp(9, port, kind == 2 ? flag::kSyn : flag::kAck, 1, state);
    const Bytes frame = builder.bytes();
    rig.now.value += 997;
    const Answer answer = rig.ask(frame);
    Account& account = accounts[host];
    account.in += frame.size();
    account.out += answer.frame.size();
    ++account.packets_in;
    account.packets_out += answer.reply.bytes > 0 ? 1 : 0;
    ASSERT_LE(account.out, account.in);
    ASSERT_LE(account.packets_out, account.packets_in);
  }
  EXPECT_GT(accounts[1].packets_out, 10u);
}

}  // namespace
}  // namespace edgesentry::verify
