#include "wire/parse.h"

#include "wire/cursor.h"

namespace edgesentry::wire {

namespace {

constexpr std::uint16_t kIpv4 = 0x0800, kArp = 0x0806, kVlan = 0x8100, kIpv6 = 0x86dd,
                        kQinq = 0x88a8, kQinqOld = 0x9100;

ParseOutcome parse_arp(Cursor& cursor, Probe& probe) noexcept {
  if (!cursor.has(28)) return ParseOutcome::truncated_link;
  const std::uint8_t* at = cursor.at();
  // RFC 826: hardware type 1, protocol type IPv4, address lengths 6 and 4.
  if (load16(at) != 1 || load16(at + 2) != kIpv4 || at[4] != 6 || at[5] != 4)
    return ParseOutcome::not_ip;
  probe.icmp_type = at[7];  // operation: 1 request, 2 reply
  probe.source = load_ipv4(at + 14);
  probe.target = load_ipv4(at + 24);
  return ParseOutcome::arp;
}

ParseOutcome parse_ethertype(Cursor& cursor, std::uint16_t type, Probe& probe) noexcept {
  for (int headers = 0; headers < kHeadersMax; ++headers) {
    switch (type) {
      case kIpv4:
        return parse_ipv4(cursor, probe);
      case kIpv6:
        return parse_ipv6(cursor, probe);
      case kArp:
        return parse_arp(cursor, probe);
      case kVlan:
      case kQinq:
      case kQinqOld:
        if (!cursor.has(4)) return ParseOutcome::truncated_link;
        type = load16(cursor.at() + 2);
        cursor.skip(4);
        break;
      default:
        return ParseOutcome::not_ip;
    }
  }
  return ParseOutcome::too_many_headers;
}

ParseOutcome parse_raw_ip(Cursor& cursor, Probe& probe) noexcept {
  if (!cursor.has(1)) return ParseOutcome::truncated_ip;
  switch (*cursor.at() >> 4) {
    case 4:
      return parse_ipv4(cursor, probe);
    case 6:
      return parse_ipv6(cursor, probe);
    default:
      return ParseOutcome::bad_ip_version;
  }
}

// A link header of fixed length with the ethertype at a fixed place in it.
ParseOutcome parse_link(Cursor& cursor, std::size_t type_at, std::size_t length,
                        Probe& probe) noexcept {
  if (!cursor.has(length)) return ParseOutcome::truncated_link;
  const std::uint16_t type = load16(cursor.at() + type_at);
  cursor.skip(length);
  return parse_ethertype(cursor, type, probe);
}

// What nearly all frames are: untagged Ethernet, IPv4 without options, no fragment, whole, TCP or
// UDP. One length check covers every fixed field. False: anything unusual, and nothing is promised
// about `probe`; the full parser finds out what it is.
bool parse_common(std::span<const std::uint8_t> frame, Probe& probe) noexcept {
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
  if (!is_tcp && protocol != 17) return false;
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
      traits |= tcp_option_traits(at + kTransportAt + 20, header - 20);
  } else {
    probe.sequence = probe.acknowledgement = 0;
    probe.window = 0;
    probe.tcp_flags = 0;
  }
  probe.traits = traits;
  probe.outcome = is_tcp ? ParseOutcome::tcp : ParseOutcome::udp;
  return true;
}

}  // namespace

ParseOutcome parse(std::span<const std::uint8_t> frame, LinkType link, Probe& probe) noexcept {
  if (link == LinkType::ethernet && parse_common(frame, probe)) [[likely]]
    return probe.outcome;
  probe = Probe{};
  Cursor cursor(frame);
  ParseOutcome outcome = ParseOutcome::truncated_link;
  switch (link) {
    case LinkType::ethernet:
      outcome = parse_link(cursor, 12, 14, probe);
      break;
    case LinkType::raw_ip:
      outcome = parse_raw_ip(cursor, probe);
      break;
    case LinkType::linux_sll:
      outcome = parse_link(cursor, 14, 16, probe);
      break;
    case LinkType::linux_sll2:
      outcome = parse_link(cursor, 0, 20, probe);
      break;
    case LinkType::bsd_null:
      // The family word is in the writer's byte order; the IP version says the same, portably.
      if (cursor.has(4)) {
        cursor.skip(4);
        outcome = parse_raw_ip(cursor, probe);
      }
      break;
  }
  probe.outcome = outcome;
  return outcome;
}

}  // namespace edgesentry::wire
