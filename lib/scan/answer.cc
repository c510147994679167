#include "scan/answer.h"

namespace edgesentry::scan {

namespace {

Answer answer_of_tcp(const wire::Probe& probe) noexcept {
  using namespace wire::tcp_flag;
  Answer answer{.port_class = PortClass::tcp,
                .port = probe.source_port,
                .peer_port = probe.target_port,
                .target = wire::fold(probe.source)};
  const std::uint8_t flags = probe.tcp_flags;
  if (flags & kRst) {
    answer.kind = AnswerKind::refuse;
    // RFC 9293 section 3.10.7.1: a RST for a segment with ACK takes its number as SEQ and carries
    // no ACK of its own; a RST for one without is RST+ACK with SEQ 0.
    answer.to_ack = !(flags & kAck);
  } else if ((flags & (kSyn | kAck)) == (kSyn | kAck)) {
    answer.kind = AnswerKind::accept;
  } else if (flags & kSyn) {
    answer.kind = AnswerKind::call;
  } else {
    answer.kind = AnswerKind::converse;
  }
  return answer;
}

AnswerKind error_kind(const wire::Probe& probe) noexcept {
  const bool v6 = probe.traits & wire::trait::kIpv6;
  const std::uint8_t unreachable = v6 ? 1 : 3;
  const std::uint8_t time_exceeded = v6 ? 3 : 11;
  constexpr std::uint8_t kFragmentationNeeded = 4;
  if (probe.icmp_type == time_exceeded) return AnswerKind::expire;
  if (probe.icmp_type != unreachable) return AnswerKind::none;
  if (!v6 && probe.icmp_code == kFragmentationNeeded) return AnswerKind::none;
  return AnswerKind::refuse;
}

Answer answer_of_icmp(const wire::Probe& probe) noexcept {
  const bool v6 = probe.traits & wire::trait::kIpv6;
  Answer answer{.port_class = PortClass::icmp, .target = wire::fold(probe.source)};
  const bool reply = v6 ? probe.icmp_type == 129
                        : probe.icmp_type == 0 || probe.icmp_type == 14 || probe.icmp_type == 16 ||
                              probe.icmp_type == 18;
  if (reply) {
    answer.kind = AnswerKind::converse;
    return answer;
  }
  if (probe.quoted_protocol == 0) return {};
  answer.kind = error_kind(probe);
  answer.target = probe.acknowledgement;
  answer.port = probe.quoted_target_port;
  answer.peer_port = probe.quoted_source_port;
  switch (probe.quoted_protocol) {
    case 6:
      answer.port_class = PortClass::tcp;
      break;
    case 17:
      answer.port_class = PortClass::udp;
      break;
    case 132:
      answer.port_class = PortClass::sctp;
      break;
    case 1:
    case 58:
      answer.port_class = PortClass::icmp;
      break;
    default:
      answer.port_class = PortClass::protocol;
      answer.port = probe.quoted_protocol;
  }
  return answer;
}

Answer answer_of_sctp(const wire::Probe& probe) noexcept {
  Answer answer{.kind = AnswerKind::converse,
                .port_class = PortClass::sctp,
                .port = probe.source_port,
                .peer_port = probe.target_port,
                .target = wire::fold(probe.source)};
  // RFC 9260 section 3.2: 1 INIT, 2 INIT ACK, 6 ABORT.
  if (probe.icmp_type == 1) answer.kind = AnswerKind::call;
  if (probe.icmp_type == 2) answer.kind = AnswerKind::accept;
  if (probe.icmp_type == 6) answer.kind = AnswerKind::refuse;
  return answer;
}

}  // namespace

Answer answer_of(const wire::Probe& probe) noexcept {
  switch (probe.outcome) {
    case wire::ParseOutcome::tcp:
      return answer_of_tcp(probe);
    case wire::ParseOutcome::udp:
      return {.kind = AnswerKind::converse,
              .port_class = PortClass::udp,
              .port = probe.source_port,
              .peer_port = probe.target_port,
              .target = wire::fold(probe.source)};
    case wire::ParseOutcome::icmp:
      return answer_of_icmp(probe);
    case wire::ParseOutcome::sctp:
      return answer_of_sctp(probe);
    case wire::ParseOutcome::other_protocol:
      return {.kind = AnswerKind::converse,
              .port_class = PortClass::protocol,
              .port = probe.protocol,
              .target = wire::fold(probe.source)};
    default:
      return {};
  }
}

}  // namespace edgesentry::scan
