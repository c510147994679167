// Packets inside packets. A tunnel is entered only where its header is right and something that can
// be looked into begins behind it; else the outer packet is the one told about, so that a scan
// for tunnel endpoints is seen as the scan it is.
#include "wire/cursor.h"
#include "wire/parse_common.h"

namespace edgesentry::wire {

namespace {

constexpr std::uint16_t kEthernetBridging = 0x6558, kErspan = 0x88be, kErspan3 = 0x22eb;
constexpr std::size_t kEthernetHeader = 14, kMplsLabel = 4;

// What stands behind a tunnel's own header. Type 0: nothing that can be looked into.
struct Inside {
  std::uint16_t type = 0;
  std::size_t header = 0;
};

bool begins_with_version(const Cursor& cursor, std::size_t skip, int version) noexcept {
  return cursor.has(skip + 1) && cursor.at()[skip] >> 4 == version;
}

bool is_there(const Cursor& cursor, const Inside& inside) noexcept {
  switch (inside.type) {
    case ethertype::kIpv4:
      return begins_with_version(cursor, inside.header, 4);
    case ethertype::kIpv6:
      return begins_with_version(cursor, inside.header, 6);
    case ethertype::kMpls:
    case ethertype::kMplsUpstream:
      return cursor.has(inside.header + kMplsLabel);
    case kEthernetBridging:
      return cursor.has(inside.header + kEthernetHeader);
    default:
      return false;
  }
}

// What was known of the outside is of no use any more, and must not be taken for the inside's.
void forget_outside(Probe& probe) noexcept {
  probe = Probe{};
  probe.traits = trait::kDecapsulated;
}

ParseOutcome enter(Cursor& cursor, const Inside& inside, ParseOutcome outside,
                   Probe& probe) noexcept {
  // A first fragment holds a part of its inside only, and another host may complete it otherwise.
  if ((probe.traits & trait::kFragment) || !is_there(cursor, inside)) return outside;
  if (cursor.headers_left() == 0) return ParseOutcome::too_many_headers;
  cursor.pay(1);
  forget_outside(probe);
  cursor.skip(inside.header);
  if (inside.type == kEthernetBridging) return parse_ethernet(cursor, probe);
  return parse_ethertype(cursor, inside.type, probe);
}

// draft-foschiano-erspan-03: type I is GRE without a sequence number and has no header of its own;
// type II has 8 bytes; type III has 12, and 8 more when the O bit (the last) is set. Frame types
// other than Ethernet stay closed.
Inside inside_erspan(const Cursor& cursor, std::uint16_t type, bool has_sequence,
                     std::size_t gre) noexcept {
  if (type == kErspan) return {kEthernetBridging, gre + (has_sequence ? 8 : 0)};
  if (!cursor.has(gre + 12) || (cursor.at()[gre + 10] & 0x7c) != 0) return {};
  const bool has_subheader = (cursor.at()[gre + 11] & 0x01) != 0;
  return {kEthernetBridging, gre + 12 + (has_subheader ? 8 : 0)};
}

// RFC 2784 section 2, RFC 2890 section 2: C, K and S each stand for four bytes more. The bits
// between and behind them (RFC 1701's routing) must be zero, as must the version.
Inside inside_gre(const Cursor& cursor) noexcept {
  constexpr std::uint16_t kChecksum = 0x8000, kKey = 0x2000, kSequence = 0x1000,
                          kMustBeZero = 0x4c07;
  if (!cursor.has(4)) return {};
  const std::uint16_t flags = load16(cursor.at());
  if (flags & kMustBeZero) return {};
  const bool has_sequence = (flags & kSequence) != 0;
  const std::size_t header =
      4 + (flags & kChecksum ? 4u : 0u) + (flags & kKey ? 4u : 0u) + (has_sequence ? 4u : 0u);
  const std::uint16_t type = load16(cursor.at() + 2);
  if (type == kErspan || type == kErspan3) return inside_erspan(cursor, type, has_sequence, header);
  return {type, header};
}

// RFC 7348 section 5: the I flag says that the network identifier, and so the header, is valid.
Inside inside_vxlan(const Cursor& cursor) noexcept {
  if (!cursor.has(8) || (cursor.at()[0] & 0x08) == 0) return {};
  return {kEthernetBridging, 8};
}

// RFC 8926 section 3.4: version and length of the options in words, flags, the protocol inside.
Inside inside_geneve(const Cursor& cursor) noexcept {
  if (!cursor.has(8) || cursor.at()[0] >> 6 != 0) return {};
  return {load16(cursor.at() + 2), 8 + std::size_t{cursor.at()[0] & 0x3fu} * 4};
}

}  // namespace

ParseOutcome parse_ip_tunnel(Cursor& cursor, ParseOutcome outside, Probe& probe) noexcept {
  switch (probe.protocol) {
    case ip_protocol::kIpv4:  // RFC 2003
      return enter(cursor, {ethertype::kIpv4}, outside, probe);
    case ip_protocol::kIpv6:  // RFC 2473, RFC 4213 section 3
      return enter(cursor, {ethertype::kIpv6}, outside, probe);
    case ip_protocol::kGre:
      return enter(cursor, inside_gre(cursor), outside, probe);
    default:
      return outside;
  }
}

ParseOutcome parse_udp_tunnel(Cursor& cursor, ParseOutcome outside, Probe& probe) noexcept {
  const bool is_geneve = probe.target_port == kGenevePort;
  return enter(cursor, is_geneve ? inside_geneve(cursor) : inside_vxlan(cursor), outside, probe);
}

// RFC 3032 section 2.1: labels up to the one with the S bit. What follows says by no field what it
// is; routers look at the first four bits, too (RFC 4928 section 2).
ParseOutcome parse_mpls(Cursor& cursor, Probe& probe) noexcept {
  bool is_bottom = false;
  int labels = 0;  // the first was paid for with its ethertype
  for (; !is_bottom; ++labels) {
    if (labels > cursor.headers_left()) return ParseOutcome::too_many_headers;
    if (!cursor.has(kMplsLabel)) return ParseOutcome::truncated_link;
    is_bottom = (cursor.at()[2] & 0x01) != 0;
    cursor.skip(kMplsLabel);
  }
  cursor.pay(labels - 1);
  forget_outside(probe);
  if (!cursor.has(1)) return ParseOutcome::truncated_ip;
  if (begins_with_version(cursor, 0, 4)) return parse_ethertype(cursor, ethertype::kIpv4, probe);
  if (begins_with_version(cursor, 0, 6)) return parse_ethertype(cursor, ethertype::kIpv6, probe);
  return ParseOutcome::not_ip;
}

// RFC 2516 section 4: version and type 1, code 0, session, length; then the PPP protocol.
ParseOutcome parse_pppoe(Cursor& cursor, Probe& probe) noexcept {
  constexpr std::uint16_t kPppIpv4 = 0x0021, kPppIpv6 = 0x0057;
  if (!cursor.has(6)) return ParseOutcome::truncated_link;
  if (load16(cursor.at()) != 0x1100) return ParseOutcome::not_ip;
  const std::uint16_t length = load16(cursor.at() + 4);
  cursor.skip(6);
  cursor.limit(length);
  if (!cursor.has(2)) return ParseOutcome::truncated_link;
  const std::uint16_t protocol = load16(cursor.at());
  cursor.skip(2);
  forget_outside(probe);
  if (protocol == kPppIpv4) return parse_ethertype(cursor, ethertype::kIpv4, probe);
  if (protocol == kPppIpv6) return parse_ethertype(cursor, ethertype::kIpv6, probe);
  return ParseOutcome::not_ip;
}

}  // namespace edgesentry::wire
