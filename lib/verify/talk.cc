#include "verify/talk.h"

#include <algorithm>
#include <cstring>

#include "wire/load.h"

namespace edgesentry::verify {

namespace {

namespace flag = wire::tcp_flag;
using scan::ReplyKind;
using scan::ReplyRefusal;
using wire::ParseOutcome;

constexpr std::uint32_t kUnknown = ~0u;
constexpr std::uint16_t kWindow = 64'240;  // what Linux opens with
constexpr std::array<std::uint8_t, 4> kMss = {2, 4, 1440 >> 8, 1440 & 0xff};

bool is_request(const wire::Probe& probe) noexcept {
  if (!probe.source.is_v4()) return probe.icmp_type == 128 || probe.icmp_type == 139;
  return probe.icmp_type == 8 || probe.icmp_type == 13 || probe.icmp_type == 15 ||
         probe.icmp_type == 17;  // echo, timestamp, information, netmask
}

// INIT and COOKIE ECHO, RFC 9260 section 3.2.
bool opens_association(const wire::Probe& probe) noexcept {
  return probe.icmp_type == 1 || probe.icmp_type == 10;
}

Segment segment_for(const wire::Probe& probe, std::uint8_t flags) noexcept {
  return {.conversation = scan::answered_as(probe), .window = kWindow, .flags = flags};
}

void put32(std::uint8_t* at, std::uint32_t value) noexcept {
  value = __builtin_bswap32(value);
  std::memcpy(at, &value, sizeof(value));
}

}  // namespace

struct Talk::Stamps {
  bool are_there = false;
  std::uint32_t value = 0, echo = 0;

  // RFC 7323, section 3.2: kind 8, ten bytes.
  static Stamps of(std::span<const std::uint8_t> tcp) noexcept {
    const std::size_t end = std::min<std::size_t>(tcp.size(), std::size_t{tcp[12]} >> 4 << 2);
    for (std::size_t at = 20; at < end;) {
      if (tcp[at] == 0) break;
      if (tcp[at] == 1) {
        ++at;
        continue;
      }
      if (at + 2 > end || tcp[at + 1] < 2) break;
      if (tcp[at] == 8 && tcp[at + 1] == 10 && at + 10 <= end)
        return {true, wire::load32(&tcp[at + 2]), wire::load32(&tcp[at + 6])};
      at += tcp[at + 1];
    }
    return {};
  }
};

Said Talk::reply_to(const Heard& heard) noexcept {
  switch (heard.probe.outcome) {
    case ParseOutcome::tcp:
      return answer_tcp(heard);
    case ParseOutcome::icmp:
      return is_request(heard.probe) ? challenge(heard) : Said{};
    case ParseOutcome::sctp:
      return opens_association(heard.probe) ? challenge(heard) : Said{};
    default:
      return challenge(heard);
  }
}

Said Talk::answer_tcp(const Heard& heard) noexcept {
  const wire::Probe& probe = heard.probe;
  const std::uint8_t kind = probe.tcp_flags & (flag::kSyn | flag::kAck | flag::kRst | flag::kFin);
  if ((kind & flag::kRst) != 0) return {};
  // A SYN-ACK opens nothing; lib/scan says which of them may be answered.
  const bool is_syn_ack = (kind & (flag::kSyn | flag::kAck)) == (flag::kSyn | flag::kAck);
  if (is_syn_ack || !terms_.deception_tcp.contains(probe.target_port)) return challenge(heard);
  if (kind == flag::kSyn) return open(heard);
  if ((kind & flag::kAck) == 0) return challenge(heard);
  const std::uint32_t told = read_so_far(probe);
  if (!terms_.tarpit) return told == kUnknown ? challenge(heard) : tell(heard, told);
  const Stamps stamps = Stamps::of(heard.frame.transport);
  const bool is_held = stamps.are_there ? probe.sequence - stamps.echo <= 1 : told == 0;
  return is_held ? hold(heard, stamps) : challenge(heard);
}

Said Talk::challenge(const Heard& heard) noexcept {
  Segment segment = segment_for(heard.probe, flag::kSyn | flag::kAck);
  const scan::Conversation& way = segment.conversation;
  segment.acknowledgement = scan::cookie_of(key_, way, now_);
  segment.sequence =
      scan::cookie_of(key_, {way.target, way.source, way.target_port, way.source_port}, now_);
  return {.is_answer = true, .kind = ReplyKind::challenge, .segment = segment};
}

Said Talk::open(const Heard& heard) noexcept {
  const wire::Probe& probe = heard.probe;
  Segment segment = segment_for(probe, flag::kSyn | flag::kAck);
  segment.sequence = scan::cookie_of(key_, segment.conversation, now_);
  segment.acknowledgement = probe.sequence + 1;
  const std::size_t plain = ip_bytes_of(segment);  // as long as the client's bare ACK will be
  if (terms_.tarpit) {
    segment.window = 0;
    const Stamps stamps = Stamps::of(heard.frame.transport);
    if (stamps.are_there && plain + options_.size() <= heard.frame.ip_bytes)
      segment.options = stamp(probe.sequence, stamps.value);
  } else {
    if (plain + kMss.size() <= heard.frame.ip_bytes) segment.options = kMss;
    const bool is_paid =
        heard.credit + plain >= ip_bytes_of(segment) + plain + terms_.banner.size();
    // A kernel sends again, and pays more with each SYN; a challenge would only spend that.
    if (!is_paid && Stamps::of(heard.frame.transport).are_there)
      return {.refusal = ReplyRefusal::unpaid};
    if (!is_paid) return challenge(heard);
  }
  return {.is_answer = true, .kind = ReplyKind::syn_ack, .segment = segment};
}

// The client has `told` bytes of the banner; one more stands for the appliance's FIN.
Said Talk::tell(const Heard& heard, std::uint32_t told) noexcept {
  const wire::Probe& probe = heard.probe;
  const std::uint32_t fin = (probe.tcp_flags & flag::kFin) != 0 ? 1 : 0;
  Segment segment = segment_for(probe, flag::kAck);
  segment.sequence = probe.acknowledgement;
  segment.acknowledgement = probe.sequence + probe.payload_bytes + fin;
  if (told > terms_.banner.size()) {
    if (probe.payload_bytes + fin == 0) return {};
    return {.is_answer = true, .kind = ReplyKind::ack, .segment = segment};
  }
  const std::span<const char> rest = std::span(terms_.banner).subspan(told);
  const std::size_t header = ip_bytes_of(segment);
  if (heard.credit < header) return {.refusal = ReplyRefusal::unpaid};
  segment.payload = rest.first(std::min<std::size_t>(rest.size(), heard.credit - header));
  if (segment.payload.size() == rest.size())
    segment.flags |= flag::kFin;
  else if (segment.payload.empty())
    return {.refusal = ReplyRefusal::unpaid};
  if (!segment.payload.empty()) segment.flags |= flag::kPsh;
  return {.is_answer = true, .kind = ReplyKind::banner, .segment = segment};
}

// Only what asks for the window or brings data gets an answer. An acknowledgement of what the
// client never sent would start an exchange without end, and its FIN is better left open.
Said Talk::hold(const Heard& heard, const Stamps& stamps) noexcept {
  const wire::Probe& probe = heard.probe;
  const bool asks = stamps.are_there && probe.sequence == stamps.echo;
  if (!asks && probe.payload_bytes == 0) return {};
  Segment segment = segment_for(probe, flag::kAck);
  segment.window = 0;
  segment.sequence = probe.acknowledgement;
  segment.acknowledgement = stamps.are_there ? stamps.echo + 1 : probe.sequence;
  if (stamps.are_there) segment.options = stamp(stamps.echo, stamps.value);
  return {.is_answer = true, .kind = ReplyKind::hold, .segment = segment};
}

std::span<const std::uint8_t> Talk::stamp(std::uint32_t ours, std::uint32_t theirs) noexcept {
  options_ = {1, 1, 8, 10};
  put32(&options_[4], ours);
  put32(&options_[8], theirs);
  return options_;
}

std::uint32_t Talk::read_so_far(const wire::Probe& probe) const noexcept {
  const scan::Conversation way = scan::answered_as(probe);
  for (const std::uint64_t age : {std::uint64_t{0}, scan::kCookieEpoch}) {
    if (now_.value < age) break;
    const std::uint32_t read =
        probe.acknowledgement - 1 - scan::cookie_of(key_, way, {now_.value - age});
    if (read <= terms_.banner.size() + 1) return read;
  }
  return kUnknown;
}

}  // namespace edgesentry::verify
