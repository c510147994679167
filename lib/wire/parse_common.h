// The short way through the parser, for what nearly all frames are. In a header so that it becomes
// part of the worker's loop: the call alone cost a tenth of a packet.
#pragma once

#include <cstring>
#include <span>

#include "wire/load.h"
#include "wire/probe.h"

namespace edgesentry::wire {

// Out of line, so that SYNs without options pay for nothing.
[[nodiscard]] std::uint8_t load_tcp_options(const std::uint8_t* at, std::size_t bytes,
                                            Probe& probe) noexcept;

// The UDP ports behind which a packet may stand inside a packet: VXLAN (RFC 7348), VXLAN as Linux
// had it before IANA gave it a port, Geneve (RFC 8926).
inline constexpr std::uint16_t kVxlanPort = 4789, kVxlanOldPort = 8472, kGenevePort = 6081;

constexpr bool is_tunnel_port(std::uint16_t port) noexcept {
  return port == kVxlanPort || port == kVxlanOldPort || port == kGenevePort;
}

// Untagged Ethernet, IPv4 without options, no fragment, whole, TCP or
// UDP that is no tunnel's. One length check covers every fixed field. False: anything unusual, and
// nothing is promised about `probe`; the full parser finds out what it is.
inline bool parse_common(std::span<const std::uint8_t> frame, Probe& probe) noexcept {
  constexpr std::size_t kIpAt = 14, kTransportAt = 34;
  if (frame.size() < kTransportAt + 20) return false;
  const std::uint8_t* at = frame.data();
  std::uint32_t type_and_version;  // ethertype 0x0800, version 4 with header length 5
  std::memcpy(&type_and_version, at + 12, sizeof(type_and_version));
  if ((type_and_version & 0x00ffffff) != 0x00450008) return false;
  const std::uint32_t total = load16(at + kIpAt + 2);
  const std::uint16_t fragment = load16(at + kIpAt + 6);
  const std::uint8_t protocol = at[kIpAt + 9];
  if ((fragment & 0x3fff) != 0 || total + kIpAt > frame.size()) return false;
  const bool is_tcp = protocol == 6;
  if (!is_tcp && (protocol != 17 || is_tunnel_port(load16(at + kTransportAt + 2)))) return false;
  const std::uint32_t header = is_tcp ? std::uint32_t{at[46]} >> 4 << 2 : 8;
  if ((is_tcp && header < 20) || total < 20 + header) return false;

  probe.source = load_ipv4(at + kIpAt + 12);
  probe.target = load_ipv4(at + kIpAt + 16);
  probe.source_port = load16(at + kTransportAt);
  probe.target_port = load16(at + kTransportAt + 2);
  probe.identification = load16(at + kIpAt + 4);
  probe.ttl = at[kIpAt + 8];
  probe.protocol = protocol;
  probe.payload_bytes = static_cast<std::uint16_t>(total - 20 - header);
  probe.payload_offset = static_cast<std::uint16_t>(kTransportAt + header);
  probe.icmp_type = probe.icmp_code = probe.quoted_protocol = 0;
  probe.quoted_source_port = probe.quoted_target_port = 0;
  std::uint8_t traits = fragment & 0x4000 ? trait::kDontFragment : std::uint8_t{0};
  if (is_tcp) {
    probe.sequence = load32(at + kTransportAt + 4);
    probe.acknowledgement = load32(at + kTransportAt + 8);
    probe.window = load16(at + kTransportAt + 14);
    probe.tcp_flags = at[kTransportAt + 13];
    if ((probe.tcp_flags & tcp_flag::kSyn) && header > 20)
      traits |= load_tcp_options(at + kTransportAt + 20, header - 20, probe);
  } else {
    probe.sequence = probe.acknowledgement = 0;
    probe.window = 0;
    probe.tcp_flags = 0;
  }
  probe.traits = traits;
  probe.outcome = is_tcp ? ParseOutcome::tcp : ParseOutcome::udp;
  return true;
}

}  // namespace edgesentry::wire
