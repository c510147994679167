// Headers as bytes, for hostile frames: each function makes one header with the values it is given,
// true or not, and `+` puts layers behind each other. Lengths are right unless a test makes them
// lie. For well-behaved packets with checksums see packet_builder.h.
//
//   Bytes frame = ethernet(0x0800) + ipv4({.protocol = 6}, tcp({.flags = 2}));
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

namespace edgesentry::test::frames {

using Bytes = std::vector<std::uint8_t>;

inline Bytes operator+(Bytes front, const Bytes& back) {
  front.insert(front.end(), back.begin(), back.end());
  return front;
}

inline Bytes be16(std::uint32_t value) {
  return {static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
}
inline Bytes be32(std::uint32_t value) {
  return be16(value >> 16) + be16(value & 0xffff);
}
inline Bytes filler(std::size_t count, std::uint8_t value = 0) {
  return Bytes(count, value);
}

inline Bytes ethernet(std::uint16_t type) {
  return Bytes{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2} + be16(type);
}
// The tag behind an ethertype 0x8100 or 0x88a8: its own id and the ethertype that follows.
inline Bytes vlan(std::uint16_t id, std::uint16_t next_type) {
  return be16(id) + be16(next_type);
}
inline Bytes sll(std::uint16_t type) {
  return filler(14) + be16(type);
}
inline Bytes sll2(std::uint16_t type) {
  return be16(type) + filler(18);
}
inline Bytes bsd_null(std::uint8_t family) {
  return {family, 0, 0, 0};
}

inline constexpr std::uint32_t kSource = 0xc6336407;  // 198.51.100.7
inline constexpr std::uint32_t kTarget = 0x0a000001;  // 10.0.0.1

struct Ipv4 {
  std::uint8_t protocol = 6;
  std::uint32_t source = kSource;
  std::uint32_t target = kTarget;
  Bytes options = {};
  std::uint16_t fragment = 0;  // flags and offset as they stand on the wire
  std::uint16_t identification = 0x1234;
  std::uint8_t ttl = 57;
  int version_and_length = -1;  // -1: right
  int total = -1;               // -1: right
};
inline Bytes ipv4(const Ipv4& h, const Bytes& body) {
  const std::size_t header = 20 + h.options.size();
  const int first =
      h.version_and_length >= 0 ? h.version_and_length : static_cast<int>(0x40 | header / 4);
  const std::size_t total = h.total >= 0 ? static_cast<std::size_t>(h.total) : header + body.size();
  return Bytes{static_cast<std::uint8_t>(first), 0} + be16(static_cast<std::uint32_t>(total)) +
         be16(h.identification) + be16(h.fragment) + Bytes{h.ttl, h.protocol, 0, 0} +
         be32(h.source) + be32(h.target) + h.options + body;
}

// 2001:db8::`last`.
inline Bytes ipv6_address(std::uint8_t last) {
  Bytes address = {0x20, 0x01, 0x0d, 0xb8};
  address.resize(16);
  address[15] = last;
  return address;
}

struct Ipv6 {
  std::uint8_t next = 6;
  std::uint8_t source = 7;
  std::uint8_t target = 1;
  std::uint8_t hops = 61;
  int payload = -1;  // -1: right
};
inline Bytes ipv6(const Ipv6& h, const Bytes& body) {
  const std::size_t payload = h.payload >= 0 ? static_cast<std::size_t>(h.payload) : body.size();
  return Bytes{0x60, 0, 0, 0} + be16(static_cast<std::uint32_t>(payload)) + Bytes{h.next, h.hops} +
         ipv6_address(h.source) + ipv6_address(h.target) + body;
}
// Hop-by-hop, routing, destination options, mobility: `eights` more units of eight bytes.
inline Bytes extension(std::uint8_t next, std::uint8_t eights = 0) {
  return Bytes{next, eights} + filler(6 + std::size_t{eights} * 8);
}
// Authentication header, RFC 4302: the length counts words, less two.
inline Bytes authentication(std::uint8_t next, std::uint8_t words_less_two) {
  return Bytes{next, words_less_two} + filler((std::size_t{words_less_two} + 2) * 4 - 2);
}
// `offset` in units of eight bytes.
inline Bytes fragment(std::uint8_t next, std::uint16_t offset, bool more) {
  return Bytes{next, 0} + be16(static_cast<std::uint32_t>(offset << 3 | (more ? 1 : 0))) +
         be32(0xabcd5678);
}

inline Bytes mpls(std::uint32_t label, bool is_bottom) {
  return be32(label << 12 | (is_bottom ? 0x100u : 0u) | 64);
}
// A session's frame, behind ethertype 0x8864; `length` -1: right.
inline Bytes pppoe(std::uint16_t protocol, const Bytes& body, int length = -1) {
  const auto right = static_cast<int>(body.size()) + 2;
  return Bytes{0x11, 0, 0x12, 0x34} +
         be16(static_cast<std::uint32_t>(length < 0 ? right : length)) + be16(protocol) + body;
}
// Checksum, key and sequence number are there when their flags (8000, 2000, 1000) are.
inline Bytes gre(std::uint16_t flags, std::uint16_t type) {
  Bytes header = be16(flags) + be16(type);
  for (const int flag : {0x8000, 0x2000, 0x1000})
    if (flags & flag) header = header + be32(0xffffffff);
  return header;
}
inline Bytes erspan2() {
  return be32(0x10000001) + be32(7);
}
inline Bytes erspan3(bool has_subheader) {
  return be32(0x20000001) + be32(7) + be32(has_subheader ? 1 : 0) + filler(has_subheader ? 8 : 0);
}
// VXLAN and Geneve stand behind a UDP header.
inline Bytes vxlan(std::uint8_t flags = 0x08) {
  return Bytes{flags, 0, 0, 0} + be32(0x1234 << 8);
}
inline Bytes geneve(std::uint16_t type, std::uint8_t option_words = 0, std::uint8_t version = 0) {
  return Bytes{static_cast<std::uint8_t>(version << 6 | option_words), 0} + be16(type) +
         be32(0x1234 << 8) + filler(std::size_t{option_words} * 4, 0xff);
}

struct Tcp {
  std::uint16_t from = 40000;
  std::uint16_t to = 22;
  std::uint8_t flags = 0x02;
  Bytes options = {};  // a multiple of four bytes
  int words = -1;      // header length as it stands on the wire; -1: right
  std::uint32_t sequence = 0x01020304;
  std::uint32_t acknowledgement = 0x05060708;
};
inline Bytes tcp(const Tcp& h) {
  const int words = h.words >= 0 ? h.words : static_cast<int>(5 + h.options.size() / 4);
  return be16(h.from) + be16(h.to) + be32(h.sequence) + be32(h.acknowledgement) +
         Bytes{static_cast<std::uint8_t>(words << 4), h.flags} + be16(1024) + filler(4) + h.options;
}
inline Bytes udp(std::uint16_t from, std::uint16_t to, const Bytes& payload = {}) {
  return be16(from) + be16(to) + be16(static_cast<std::uint32_t>(8 + payload.size())) + be16(0) +
         payload;
}
inline Bytes icmp(std::uint8_t type, std::uint8_t code, const Bytes& payload = {}) {
  return Bytes{type, code, 0, 0} + be32(0x00070001) + payload;
}
inline Bytes sctp(std::uint16_t from, std::uint16_t to, std::uint8_t chunk) {
  return be16(from) + be16(to) + be32(0) + be32(0) + Bytes{chunk, 0, 0, 20} + filler(16);
}
inline Bytes arp(std::uint16_t operation) {
  return be16(1) + be16(0x0800) + Bytes{6, 4} + be16(operation) + filler(6, 2) + be32(kSource) +
         filler(6) + be32(kTarget);
}

}  // namespace edgesentry::test::frames
