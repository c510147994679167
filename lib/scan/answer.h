// What a protected host's packet says about the source it is sent to. Pure.
#pragma once

#include <cstdint>

#include "scan/touch.h"
#include "wire/probe.h"

namespace edgesentry::scan {

enum class AnswerKind : std::uint8_t {
  none,
  call,      // the host opens something itself: its peer will answer, which is no scan
  accept,    // SYN-ACK, or INIT ACK
  converse,  // any other packet inside a conversation; UDP: a reply or a call, the contact tells
  refuse,    // RST, ABORT, ICMP unreachable
  expire,    // ICMP time exceeded: traceroute
};

struct Answer {
  AnswerKind kind = AnswerKind::none;
  PortClass port_class = PortClass::tcp;
  std::uint16_t port = 0;       // of the host that was probed
  std::uint16_t peer_port = 0;  // of the source under observation
  std::uint32_t target = 0;     // wire::fold() of the host that was probed
  bool to_ack = false;          // the RST answers a packet that carried an ACK
};

[[nodiscard]] Answer answer_of(const wire::Probe& probe) noexcept;

}  // namespace edgesentry::scan
