// Bytes to a Probe. Total: every input, however broken, ends in one named ParseOutcome; no byte is
// read before its presence was checked; every loop has a constant bound (kHeadersMax).
//
// A packet inside a packet is the one told about: MPLS, PPPoE, IP-in-IP, 6in4, GRE, ERSPAN, VXLAN
// and Geneve are taken off. Only fragments stay closed: what is inside is not all there.
//
// Called by workers per packet and by replay. Thread-safe: pure functions of their arguments.
// Sources: IEEE 802.1Q, RFC 791, 8200 (IPv6 extension headers), 9293, 768, 792, 4443, 9260;
// the tunnels' at their functions in parse_tunnel.cc.
#pragma once

#include <cstdint>
#include <span>

#include "wire/parse_common.h"
#include "wire/probe.h"

namespace edgesentry::wire {

// The first header of a captured frame (live traffic is always ethernet).
enum class LinkType : std::uint8_t { ethernet, raw_ip, linux_sll, linux_sll2, bsd_null };

// Most VLAN tags, MPLS labels, IP headers, IPv6 extension headers and tunnels followed in one
// packet, all together.
inline constexpr int kHeadersMax = 12;

// Every frame, header by header.
ParseOutcome parse_any(std::span<const std::uint8_t> frame, LinkType link, Probe& probe) noexcept;

inline ParseOutcome parse(std::span<const std::uint8_t> frame, LinkType link,
                          Probe& probe) noexcept {
  if (link == LinkType::ethernet && parse_common(frame, probe)) [[likely]]
    return probe.outcome;
  return parse_any(frame, link, probe);
}

}  // namespace edgesentry::wire
