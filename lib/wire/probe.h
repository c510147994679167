// What the parser says about one packet: facts from its headers, nothing interpreted yet.
//
// Written by wire::parse(), read by the scan tables and the detectors. One cache line. Every field
// was bounds-checked against the bytes that arrived; fields that the packet does not have are 0.
// Four pieces of 16 bytes, written and read whole on the hot path: scan/looks.cc knows where its
// words stand.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "base/ip.h"
#include "base/units.h"

namespace edgesentry::wire {

// Each input ends in exactly one of these, and each has a counter. The first group carries a probe
// that detectors look at; the second is ordinary traffic of no interest to them; the third is
// broken, and inline mode still forwards or drops it by configuration.
enum class ParseOutcome : std::uint8_t {
  tcp,
  udp,
  icmp,  // ICMP and ICMPv6, requests, replies and errors
  sctp,
  other_protocol,  // any other IP protocol: an IP protocol scan is made of these
  later_fragment,  // no transport header inside; addresses and protocol are valid
  arp,
  not_ip,               // LLDP, STP, IPv6 no-next-header, unknown ethertypes
  truncated_link,       // the frame ends inside its Ethernet, VLAN, MPLS or other link header
  truncated_ip,         // ... inside the IPv4 or IPv6 header, or lengths that exceed the frame
  truncated_extension,  // ... inside an IPv6 extension header
  truncated_transport,  // ... inside the TCP, UDP, ICMP or SCTP header of a first fragment
  bad_ip_version,
  bad_ip_header_length,
  bad_ip_total_length,
  bad_tcp_header_length,
  too_many_headers,  // more tags, tunnels or extension headers than limits allow
};
inline constexpr std::size_t kParseOutcomes = 17;

// Metric and log names, in the order of the enum.
inline constexpr std::array<std::string_view, kParseOutcomes> kParseOutcomeNames = {
    "tcp",
    "udp",
    "icmp",
    "sctp",
    "other_protocol",
    "later_fragment",
    "arp",
    "not_ip",
    "truncated_link",
    "truncated_ip",
    "truncated_extension",
    "truncated_transport",
    "bad_ip_version",
    "bad_ip_header_length",
    "bad_ip_total_length",
    "bad_tcp_header_length",
    "too_many_headers"};

// TCP flag bits, RFC 9293 section 3.1.
namespace tcp_flag {
inline constexpr std::uint8_t kFin = 0x01, kSyn = 0x02, kRst = 0x04, kPsh = 0x08, kAck = 0x10,
                              kUrg = 0x20, kEce = 0x40, kCwr = 0x80;
}

// Facts that are one bit each.
namespace trait {
inline constexpr std::uint8_t kIpv6 = 0x01;
inline constexpr std::uint8_t kFragment = 0x02;        // a first fragment: more follow
inline constexpr std::uint8_t kIpOptions = 0x04;       // IPv4 options present (IHL > 5)
inline constexpr std::uint8_t kTcpTimestamps = 0x08;   // the SYN carries the timestamps option
inline constexpr std::uint8_t kTcpWindowScale = 0x10;  // ... window scale
inline constexpr std::uint8_t kTcpMss = 0x20;          // ... maximum segment size
inline constexpr std::uint8_t kDontFragment = 0x40;
// The addresses are those of an inner packet, or stand behind MPLS or PPPoE, where NICs do not
// look.
inline constexpr std::uint8_t kDecapsulated = 0x80;
}  // namespace trait

struct alignas(base::kCacheLine) Probe {
  base::Ip source;                //  0
  base::Ip target;                // 16
  std::uint32_t sequence;         // 32  TCP sequence number; ICMP identifier << 16 | sequence
  std::uint32_t acknowledgement;  // 36  TCP acknowledgement number; ICMP error: fold() of the
                                  //     address that the quoted packet was sent to
  std::uint16_t identification;   // 40  IPv4 ID
  std::uint16_t payload_offset;   // 42  from the start of the frame, for signatures
  std::uint16_t window;           // 44  TCP window
  std::uint16_t payload_bytes;    // 46  bytes after the transport header, by the IP length
  ParseOutcome outcome;           // 48
  std::uint8_t protocol;          // 49  IP protocol number of the transport
  std::uint8_t tcp_flags;         // 50
  std::uint8_t icmp_type;         // 51  SCTP: type of the first chunk
  std::uint8_t icmp_code;         // 52
  std::uint8_t ttl;               // 53  hop limit for IPv6
  std::uint8_t traits;            // 54  trait:: bits
  // An ICMP error quotes the packet that it answers. The quoted source is `target` of this packet
  // (checked); 0 when nothing usable is quoted. In a TCP SYN the two ports hold the layout of its
  // options instead, see tcp_options.h; in a fragment, what stands here and in icmp_code tells its
  // place in the datagram, see fragment.h.
  std::uint8_t quoted_protocol;      // 55
  std::uint16_t source_port;         // 56  host order; 0 without ports
  std::uint16_t target_port;         // 58  host order; the protocol number for other_protocol
  std::uint16_t quoted_source_port;  // 60
  std::uint16_t quoted_target_port;  // 62
};
static_assert(sizeof(Probe) == base::kCacheLine, "a burst of probes costs one line each");
static_assert(std::is_trivially_copyable_v<Probe>);

// Of a TCP SYN: what tcp_options.h says of its options, 0 without any.
constexpr std::uint32_t tcp_layout(const Probe& probe) noexcept {
  return std::uint32_t{probe.quoted_source_port} << 16 | probe.quoted_target_port;
}
constexpr void set_tcp_layout(Probe& probe, std::uint32_t layout) noexcept {
  probe.quoted_source_port = static_cast<std::uint16_t>(layout >> 16);
  probe.quoted_target_port = static_cast<std::uint16_t>(layout);
}

// An address in 32 bits: IPv4 addresses stay distinct, IPv6 ones nearly so. Detectors tell the
// targets of one source apart by it.
constexpr std::uint32_t fold(const base::Ip& ip) noexcept {
  const auto words = std::bit_cast<std::array<std::uint32_t, 4>>(ip.bytes());
  return words[0] * 0x9e3779b1u + words[1] * 0x85ebca77u + (words[2] ^ 0xffff0000u) * 0xc2b2ae3du +
         words[3];
}

}  // namespace edgesentry::wire
