#include "wire/parse.h"

#include "wire/cursor.h"

namespace edgesentry::wire {

namespace {

ParseOutcome parse_arp(Cursor& cursor, Probe& probe) noexcept {
  if (!cursor.has(28)) return ParseOutcome::truncated_link;
  const std::uint8_t* at = cursor.at();
  // RFC 826: hardware type 1, protocol type IPv4, address lengths 6 and 4.
  if (load16(at) != 1 || load16(at + 2) != ethertype::kIpv4 || at[4] != 6 || at[5] != 4)
    return ParseOutcome::not_ip;
  probe.icmp_type = at[7];  // operation: 1 request, 2 reply
  probe.source = load_ipv4(at + 14);
  probe.target = load_ipv4(at + 24);
  return ParseOutcome::arp;
}

bool is_tag(std::uint16_t type) noexcept {
  return type == ethertype::kVlan || type == ethertype::kQinq || type == ethertype::kQinqOld;
}

ParseOutcome parse_untagged(Cursor& cursor, std::uint16_t type, Probe& probe) noexcept {
  switch (type) {
    case ethertype::kIpv4:
      return parse_ipv4(cursor, probe);
    case ethertype::kIpv6:
      return parse_ipv6(cursor, probe);
    case ethertype::kArp:
      return parse_arp(cursor, probe);
    case ethertype::kMpls:
    case ethertype::kMplsUpstream:
      return parse_mpls(cursor, probe);
    case ethertype::kPppoeSession:
      return parse_pppoe(cursor, probe);
    default:
      return ParseOutcome::not_ip;
  }
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

}  // namespace

ParseOutcome parse_ethernet(Cursor& cursor, Probe& probe) noexcept {
  return parse_link(cursor, 12, 14, probe);
}

ParseOutcome parse_ethertype(Cursor& cursor, std::uint16_t type, Probe& probe) noexcept {
  // The cursor moves once, and only if there are tags: each move goes through memory.
  std::size_t tag_bytes = 0;
  for (int headers = 1; headers <= cursor.headers_left(); ++headers) {
    if (!is_tag(type)) {
      if (tag_bytes > 0) cursor.skip(tag_bytes);
      cursor.pay(headers);
      return parse_untagged(cursor, type, probe);
    }
    if (!cursor.has(tag_bytes + 4)) return ParseOutcome::truncated_link;
    type = load16(cursor.at() + tag_bytes + 2);
    tag_bytes += 4;
  }
  return ParseOutcome::too_many_headers;
}

ParseOutcome parse_any(std::span<const std::uint8_t> frame, LinkType link, Probe& probe) noexcept {
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
