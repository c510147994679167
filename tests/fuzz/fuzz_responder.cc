// Any bytes as a frame that deserves a reply. The first byte sets the terms, the second says how
// often the frame comes. A checksum that is wrong is put right in half of the inputs, so that
// mutations reach what lies behind.
#include <cstring>
#include <span>

#include "fuzz/fuzz.h"
#include "support/packet_builder.h"
#include "verify/checksum.h"
#include "verify/frame_view.h"
#include "verify/responder.h"
#include "wire/parse.h"

using edgesentry::wire::ParseOutcome;
using edgesentry::wire::Probe;
namespace base = edgesentry::base;
namespace scan = edgesentry::scan;
namespace verify = edgesentry::verify;

namespace {

using Frame = std::span<const std::uint8_t>;

scan::DetectionPolicy policy_of(std::uint8_t terms) {
  scan::DetectionPolicy policy;
  policy.verification.mode = scan::Verify::challenge;
  if (terms & 1) policy.verification.deception_tcp.insert_range(1, 1023);
  policy.verification.tarpit = (terms & 2) != 0;
  policy.verification.banner.assign(terms >> 4, 'x');
  policy.verification.replies_per_second = 1000;
  return policy;
}

void check_reply(const Probe& probe, Frame reply) {
  Probe read;
  const ParseOutcome outcome = parse(reply, edgesentry::wire::LinkType::ethernet, read);
  EDGESENTRY_CHECK(outcome == ParseOutcome::tcp, "a reply is a TCP segment");
  EDGESENTRY_CHECK(read.source == probe.target && read.target == probe.source,
                   "a reply goes back where the probe came from");
  EDGESENTRY_CHECK(verify::read_frame(read, reply).is_answerable, "a reply is whole");
  EDGESENTRY_CHECK((read.tcp_flags & edgesentry::wire::tcp_flag::kAck) != 0,
                   "a reply acknowledges: nothing opens by itself");
  EDGESENTRY_CHECK((probe.traits & edgesentry::wire::trait::kDecapsulated) == 0,
                   "nothing inside a tunnel is answered");
}

// The transport's checksum of an IPv4 TCP or UDP frame without options, made right.
void mend(std::vector<std::uint8_t>& frame, const Probe& probe) {
  const bool is_tcp = probe.outcome == ParseOutcome::tcp;
  if (!is_tcp || !probe.source.is_v4() || frame.size() < 54 || frame[14] != 0x45) return;
  const std::size_t total = std::size_t{frame[16]} << 8 | frame[17];
  if (total < 40 || 14 + total > frame.size()) return;
  frame[24] = frame[25] = frame[50] = frame[51] = 0;
  const auto put = [&](std::size_t at, std::uint16_t sum) {
    frame[at] = static_cast<std::uint8_t>(sum >> 8);
    frame[at + 1] = static_cast<std::uint8_t>(sum);
  };
  put(24, verify::checksum_of(verify::sum_of(Frame(frame).subspan(14, 20))));
  put(50, verify::checksum_of(verify::pseudo_header_sum(probe.source, probe.target, 6, total - 20) +
                              verify::sum_of(Frame(frame).subspan(34, total - 20))));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const scan::DetectionPolicy policy = policy_of(data[0]);
  std::vector<std::uint8_t> frame(data + 2, data + size);
  Probe probe;
  parse(frame, edgesentry::wire::LinkType::ethernet, probe);
  if (data[1] & 1) mend(frame, probe);
  parse(frame, edgesentry::wire::LinkType::ethernet, probe);
  verify::Responder responder({.key = {1, 2, 3, 4}, .sets = 1});
  base::Micros now = base::seconds(1000);
  std::uint64_t in = 0, out = 0;
  for (int i = 0; i <= data[1] >> 4; ++i, now.value += 10'000) {
    std::array<std::uint8_t, verify::kReplyMax> made;
    const verify::Reply reply = responder.reply(probe, frame, policy, now, made);
    EDGESENTRY_CHECK(reply.bytes <= made.size(), "a reply fits where it is written");
    in += verify::ip_bytes_of(frame);
    if (reply.bytes == 0) continue;
    check_reply(probe, Frame(made).first(reply.bytes));
    out += verify::ip_bytes_of(Frame(made).first(reply.bytes));
    EDGESENTRY_CHECK(out <= in, "nobody gets more than was sent under its address");
  }
  responder.note(probe, frame, now);
  return 0;
}

std::vector<edgesentry::fuzz::Bytes> edgesentry::fuzz::seeds() {
  using test::PacketBuilder;
  const auto tcp = [](std::uint8_t flags) {
    return PacketBuilder().ip("198.51.100.7", "203.0.113.9").tcp(40'000, 23, flags, 7, 8).mss();
  };
  const std::vector<Bytes> frames = {
      tcp(2).bytes(),
      tcp(16).tcp_option({8, 10, 0, 0, 0, 1, 0, 0, 0, 7}).bytes(),
      tcp(24).payload(9).bytes(),
      tcp(0).bytes(),
      PacketBuilder().vlan(5).ip("2001:db8::7", "2001:db8::9").tcp(40'000, 23, 2).bytes(),
      PacketBuilder().ip("198.51.100.7", "203.0.113.9").udp(40'000, 53).payload(20).bytes(),
      PacketBuilder().ip("198.51.100.7", "203.0.113.9").icmp(8, 0).payload(56).bytes(),
      PacketBuilder().ip("198.51.100.7", "203.0.113.9").sctp(40'000, 2905, 1).bytes()};
  std::vector<Bytes> all;
  for (const std::uint8_t terms : {0x00, 0x01, 0x81, 0x03})
    for (const Bytes& frame : frames) {
      Bytes input = {terms, 0x41};
      input.insert(input.end(), frame.begin(), frame.end());
      all.push_back(std::move(input));
    }
  return all;
}
