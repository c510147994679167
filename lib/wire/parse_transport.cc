#include "wire/cursor.h"
#include "wire/parse.h"
#include "wire/parse_common.h"
#include "wire/tcp_options.h"

namespace edgesentry::wire {

namespace {

constexpr std::size_t kTcpHeader = 20, kUdpHeader = 8, kIcmpHeader = 8, kSctpHeader = 12;

void load_ports(const std::uint8_t* at, Probe& probe) noexcept {
  probe.source_port = load16(at);
  probe.target_port = load16(at + 2);
}

std::uint16_t bytes_behind(std::uint32_t ip_payload, std::size_t header) noexcept {
  return static_cast<std::uint16_t>(ip_payload > header ? ip_payload - header : 0);
}

ParseOutcome parse_tcp(Cursor& cursor, std::uint32_t ip_payload, Probe& probe) noexcept {
  if (!cursor.has(kTcpHeader)) {
    // A tiny first fragment names its port, and with eight bytes its sequence number.
    if (cursor.has(4)) load_ports(cursor.at(), probe);
    if (cursor.has(8)) probe.sequence = load32(cursor.at() + 4);
    return ParseOutcome::truncated_transport;
  }
  const std::uint8_t* at = cursor.at();
  load_ports(at, probe);
  probe.sequence = load32(at + 4);
  probe.acknowledgement = load32(at + 8);
  probe.tcp_flags = at[13];
  probe.window = load16(at + 14);
  const std::size_t header = std::size_t{at[12]} >> 4 << 2;
  if (header < kTcpHeader || header > ip_payload) return ParseOutcome::bad_tcp_header_length;
  probe.payload_bytes = bytes_behind(ip_payload, header);
  // A capture may hold less of the header than there was.
  const std::size_t present = cursor.left() < header ? cursor.left() : header;
  probe.payload_offset = static_cast<std::uint16_t>(cursor.offset() + present);
  if ((at[13] & tcp_flag::kSyn) && header > kTcpHeader) {
    const TcpOptions options = tcp_options(at + kTcpHeader, present - kTcpHeader);
    probe.traits |= options.traits;
    set_tcp_layout(probe, options.layout);
  }
  return ParseOutcome::tcp;
}

ParseOutcome parse_udp(Cursor& cursor, std::uint32_t ip_payload, Probe& probe) noexcept {
  if (!cursor.has(kUdpHeader)) {
    if (cursor.has(4)) load_ports(cursor.at(), probe);
    return ParseOutcome::truncated_transport;
  }
  load_ports(cursor.at(), probe);
  probe.payload_bytes = bytes_behind(ip_payload, kUdpHeader);
  probe.payload_offset = static_cast<std::uint16_t>(cursor.offset() + kUdpHeader);
  if (!is_tunnel_port(probe.target_port)) return ParseOutcome::udp;
  const std::size_t length = load16(cursor.at() + 4);
  cursor.skip(kUdpHeader);
  cursor.limit(length > kUdpHeader ? length - kUdpHeader : 0);
  return parse_udp_tunnel(cursor, ParseOutcome::udp, probe);
}

bool is_icmp_error(std::uint8_t protocol, std::uint8_t type) noexcept {
  // RFC 792: 3 unreachable, 4 quench, 5 redirect, 11 time exceeded, 12 parameter problem.
  // RFC 4443: 1-4 are the error messages.
  if (protocol == ip_protocol::kIcmp)
    return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
  return type >= 1 && type <= 4;
}

// The quoted packet was sent by the one whom the error is for; a quote that says otherwise is
// forged or about somebody else and stays unread.
void load_quote(Cursor& cursor, Probe& probe) noexcept {
  Probe quoted;
  const bool v6 = probe.traits & trait::kIpv6;
  if (v6) {
    if (!cursor.has(40) || *cursor.at() >> 4 != 6) return;
    quoted.source = load_ipv6(cursor.at() + 8);
    quoted.target = load_ipv6(cursor.at() + 24);
    quoted.protocol = cursor.at()[6];
    cursor.skip(40);
  } else {
    if (!cursor.has(20) || *cursor.at() >> 4 != 4) return;
    const std::size_t header = std::size_t{*cursor.at() & 0x0fu} * 4;
    if (header < 20 || !cursor.has(header)) return;
    quoted.source = load_ipv4(cursor.at() + 12);
    quoted.target = load_ipv4(cursor.at() + 16);
    quoted.protocol = cursor.at()[9];
    cursor.skip(header);
  }
  if (quoted.source != probe.target) return;
  probe.quoted_protocol = quoted.protocol;
  probe.acknowledgement = fold(quoted.target);
  const bool has_ports = quoted.protocol == ip_protocol::kTcp ||
                         quoted.protocol == ip_protocol::kUdp ||
                         quoted.protocol == ip_protocol::kSctp;
  if (has_ports && cursor.has(4)) {
    probe.quoted_source_port = load16(cursor.at());
    probe.quoted_target_port = load16(cursor.at() + 2);
  }
}

ParseOutcome parse_icmp(Cursor& cursor, std::uint32_t ip_payload, Probe& probe) noexcept {
  if (!cursor.has(kIcmpHeader)) return ParseOutcome::truncated_transport;
  const std::uint8_t* at = cursor.at();
  probe.icmp_type = at[0];
  probe.icmp_code = at[1];
  probe.sequence = load32(at + 4);
  probe.payload_bytes = bytes_behind(ip_payload, kIcmpHeader);
  probe.payload_offset = static_cast<std::uint16_t>(cursor.offset() + kIcmpHeader);
  if (is_icmp_error(probe.protocol, at[0])) {
    cursor.skip(kIcmpHeader);
    load_quote(cursor, probe);
  }
  return ParseOutcome::icmp;
}

ParseOutcome parse_sctp(Cursor& cursor, std::uint32_t ip_payload, Probe& probe) noexcept {
  // The common header and the first chunk's type, RFC 9260 sections 3.1 and 3.2.
  if (!cursor.has(kSctpHeader + 4)) {
    if (cursor.has(4)) load_ports(cursor.at(), probe);
    return ParseOutcome::truncated_transport;
  }
  load_ports(cursor.at(), probe);
  probe.icmp_type = cursor.at()[kSctpHeader];
  probe.payload_bytes = bytes_behind(ip_payload, kSctpHeader);
  return ParseOutcome::sctp;
}

}  // namespace

ParseOutcome parse_transport(Cursor& cursor, const Transport& transport, Probe& probe) noexcept {
  switch (transport.protocol) {
    case ip_protocol::kTcp:
      return parse_tcp(cursor, transport.ip_payload, probe);
    case ip_protocol::kUdp:
      return parse_udp(cursor, transport.ip_payload, probe);
    case ip_protocol::kIcmp:
    case ip_protocol::kIcmpv6:
      return parse_icmp(cursor, transport.ip_payload, probe);
    case ip_protocol::kSctp:
      return parse_sctp(cursor, transport.ip_payload, probe);
    default:
      probe.target_port = transport.protocol;
      probe.payload_bytes = bytes_behind(transport.ip_payload, 0);
      return parse_ip_tunnel(cursor, ParseOutcome::other_protocol, probe);
  }
}

}  // namespace edgesentry::wire
