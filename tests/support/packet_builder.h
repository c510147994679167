// Real frames for tests, layer by layer, with right lengths and checksums: Ethernet, VLAN tags,
// IPv4 (with options), IPv6 (with extension headers), TCP (with options), UDP, ICMP, ICMPv6, SCTP,
// and ICMP errors that quote another packet. scapy() prints the same packet as a Scapy expression.
//
//   auto frame = PacketBuilder().ipv4("198.51.100.7", "10.0.0.1").tcp(40000, 22,
//   tcp_flag::kSyn).mss().bytes();
//
// Calls come in the order of the layers. A wrong address is a broken test and aborts it.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/ip.h"
#include "wire/probe.h"

namespace edgesentry::test {

using Bytes = std::vector<std::uint8_t>;

inline void put16(Bytes& into, std::uint16_t value) {
  into.push_back(static_cast<std::uint8_t>(value >> 8));
  into.push_back(static_cast<std::uint8_t>(value));
}
inline void put32(Bytes& into, std::uint32_t value) {
  put16(into, static_cast<std::uint16_t>(value >> 16));
  put16(into, static_cast<std::uint16_t>(value));
}

class PacketBuilder {
 public:
  PacketBuilder& vlan(std::uint16_t id, std::uint16_t ethertype = 0x8100) {
    tags_.push_back({ethertype, id});
    scapy_ += (ethertype == 0x88a8 ? "/Dot1AD(vlan=" : "/Dot1Q(vlan=") + std::to_string(id) + ")";
    return *this;
  }
  PacketBuilder& ip(const base::Ip& source, const base::Ip& target) {
    source_ = source;
    target_ = target;
    scapy_ += (source.is_v4() ? "/IP(src=\"" : "/IPv6(src=\"") + source.to_string() + "\", dst=\"" +
              target.to_string() + "\")";
    return *this;
  }
  PacketBuilder& ip(std::string_view source, std::string_view target) {
    const auto from = base::Ip::parse(source), to = base::Ip::parse(target);
    EDGESENTRY_CHECK(from && to && from->is_v4() == to->is_v4(), "a test names two like addresses");
    return ip(*from, *to);
  }
  PacketBuilder& ttl(std::uint8_t value) { return ttl_ = value, *this; }
  PacketBuilder& identification(std::uint16_t value) { return identification_ = value, *this; }
  // IPv4: offset in bytes (a multiple of eight). IPv6: adds a fragment header.
  PacketBuilder& fragment(std::uint16_t offset, bool more) {
    is_fragment_ = true;
    fragment_ = static_cast<std::uint16_t>(offset | (more ? 1 : 0));
    return *this;
  }
  PacketBuilder& ip_options(Bytes options) {  // a multiple of four bytes, at most 40
    ip_options_ = std::move(options);
    return *this;
  }
  PacketBuilder& hop_by_hop() {
    return has_hop_by_hop_ = true, scapy_ += "/IPv6ExtHdrHopByHop()", *this;
  }

  PacketBuilder& tcp(std::uint16_t from, std::uint16_t to, std::uint8_t flags,
                     std::uint32_t sequence = 1000, std::uint32_t acknowledgement = 0) {
    protocol_ = 6;
    put16(transport_, from);
    put16(transport_, to);
    put32(transport_, sequence);
    put32(transport_, acknowledgement);
    transport_.insert(transport_.end(), {0x50, flags, 0x04, 0x00, 0, 0, 0, 0});
    scapy_ += "/TCP(sport=" + std::to_string(from) + ", dport=" + std::to_string(to) +
              ", flags=" + std::to_string(flags) + ", seq=" + std::to_string(sequence) +
              ", ack=" + std::to_string(acknowledgement) + ", window=1024)";
    return *this;
  }
  PacketBuilder& tcp_option(const Bytes& option) {  // padded to words when the packet is made
    tcp_options_.insert(tcp_options_.end(), option.begin(), option.end());
    return *this;
  }
  PacketBuilder& mss(std::uint16_t value = 1460) {
    return tcp_option(
        {2, 4, static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)});
  }
  PacketBuilder& udp(std::uint16_t from, std::uint16_t to) {
    protocol_ = 17;
    put16(transport_, from);
    put16(transport_, to);
    put32(transport_, 0);  // length and checksum, when the packet is made
    scapy_ += "/UDP(sport=" + std::to_string(from) + ", dport=" + std::to_string(to) + ")";
    return *this;
  }
  PacketBuilder& icmp(std::uint8_t type, std::uint8_t code, std::uint32_t rest = 0) {
    protocol_ = source_.is_v4() ? 1 : 58;
    transport_.insert(transport_.end(), {type, code, 0, 0});
    put32(transport_, rest);
    scapy_ += (source_.is_v4() ? "/ICMP(type=" : "/ICMPv6Unknown(type=") + std::to_string(type) +
              ", code=" + std::to_string(code) + ")";
    return *this;
  }
  // An ICMP error with the quoted packet: its IP header and the first eight bytes behind it.
  PacketBuilder& icmp_error(std::uint8_t type, std::uint8_t code, const PacketBuilder& quoted) {
    icmp(type, code);
    const Bytes whole = quoted.ip_bytes();
    const std::size_t header = quoted.transport_offset();
    const std::size_t count = std::min(whole.size(), header + 8);
    payload_.assign(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(count));
    scapy_ += "/(" + quoted.scapy_.substr(1) + ")";
    return *this;
  }
  PacketBuilder& sctp(std::uint16_t from, std::uint16_t to, std::uint8_t chunk_type) {
    protocol_ = 132;
    put16(transport_, from);
    put16(transport_, to);
    put32(transport_, 0);
    put32(transport_, 0);
    transport_.insert(transport_.end(), {chunk_type, 0, 0, 20});
    transport_.resize(transport_.size() + 16);
    scapy_ += "/SCTP(sport=" + std::to_string(from) + ", dport=" + std::to_string(to) + ")";
    return *this;
  }
  PacketBuilder& protocol(std::uint8_t number) {
    protocol_ = number;
    scapy_ += "/(\"\") # protocol " + std::to_string(number);
    return *this;
  }
  PacketBuilder& payload(std::size_t count) {
    payload_.assign(count, 'x');
    if (count > 0) scapy_ += "/(\"x\" * " + std::to_string(count) + ")";
    return *this;
  }
  PacketBuilder& payload(std::string_view text) {
    payload_.assign(text.begin(), text.end());
    scapy_ += "/(\"" + std::string(text) + "\")";
    return *this;
  }

  [[nodiscard]] std::string scapy() const { return "Ether()" + scapy_; }

  [[nodiscard]] Bytes bytes() const {  // from the Ethernet header on
    Bytes frame = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
    for (const Tag& tag : tags_) {
      put16(frame, tag.ethertype);
      put16(frame, tag.id);
    }
    put16(frame, source_.is_v4() ? 0x0800 : 0x86dd);
    const Bytes packet = ip_bytes();
    frame.insert(frame.end(), packet.begin(), packet.end());
    return frame;
  }

  [[nodiscard]] Bytes ip_bytes() const {
    const Bytes body = transport_bytes();
    Bytes packet = source_.is_v4() ? ipv4_header(body.size()) : ipv6_headers(body.size());
    packet.insert(packet.end(), body.begin(), body.end());
    return packet;
  }

 private:
  struct Tag {
    std::uint16_t ethertype, id;
  };

  [[nodiscard]] std::size_t transport_offset() const {
    if (source_.is_v4()) return 20 + ip_options_.size();
    return 40u + (has_hop_by_hop_ ? 8 : 0) + (is_fragment_ ? 8 : 0);
  }
  static std::uint16_t ones_sum(const Bytes& bytes) {  // RFC 1071
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
      sum += i % 2 == 0 ? std::uint32_t{bytes[i]} << 8 : bytes[i];
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
  }
  static void set16(Bytes& bytes, std::size_t at, std::uint16_t value) {
    bytes[at] = static_cast<std::uint8_t>(value >> 8);
    bytes[at + 1] = static_cast<std::uint8_t>(value);
  }
  static void put_address(Bytes& into, const base::Ip& ip) {
    const auto& all = ip.bytes();
    into.insert(into.end(), all.begin() + (ip.is_v4() ? 12 : 0), all.end());
  }
  [[nodiscard]] Bytes transport_bytes() const {
    Bytes body = transport_;
    if (protocol_ == 6 && !tcp_options_.empty()) {
      body.insert(body.end(), tcp_options_.begin(), tcp_options_.end());
      while (body.size() % 4 != 0) body.push_back(1);
      body[12] = static_cast<std::uint8_t>(body.size() / 4 << 4);
    }
    body.insert(body.end(), payload_.begin(), payload_.end());
    if (protocol_ == 17) set16(body, 4, static_cast<std::uint16_t>(body.size()));
    const std::size_t at = protocol_ == 6 ? 16 : protocol_ == 17 ? 6 : 2;
    const bool has_pseudo_header = protocol_ != 1;
    if (protocol_ != 6 && protocol_ != 17 && protocol_ != 1 && protocol_ != 58) return body;
    Bytes summed;
    if (has_pseudo_header) {
      put_address(summed, source_);
      put_address(summed, target_);
      put32(summed, static_cast<std::uint32_t>(body.size()));
      put32(summed, protocol_);
    }
    summed.insert(summed.end(), body.begin(), body.end());
    set16(body, at, ones_sum(summed));
    return body;
  }
  [[nodiscard]] Bytes ipv4_header(std::size_t body) const {
    Bytes header = {static_cast<std::uint8_t>(0x45 + ip_options_.size() / 4), 0};
    put16(header, static_cast<std::uint16_t>(20 + ip_options_.size() + body));
    put16(header, identification_);
    const auto units = static_cast<std::uint16_t>(fragment_ >> 3 | (fragment_ & 1) << 13);
    put16(header, is_fragment_ ? units : 0x4000);
    header.insert(header.end(), {ttl_, protocol_, 0, 0});
    put_address(header, source_);
    put_address(header, target_);
    header.insert(header.end(), ip_options_.begin(), ip_options_.end());
    set16(header, 10, ones_sum(header));
    return header;
  }
  [[nodiscard]] Bytes ipv6_headers(std::size_t body) const {
    const std::uint8_t after_hop = is_fragment_ ? 44 : protocol_;
    Bytes header;
    put32(header, 6u << 28);
    put16(header, static_cast<std::uint16_t>(body + transport_offset() - 40));
    header.insert(header.end(), {has_hop_by_hop_ ? std::uint8_t{0} : after_hop, ttl_});
    put_address(header, source_);
    put_address(header, target_);
    if (has_hop_by_hop_) header.insert(header.end(), {after_hop, 0, 1, 4, 0, 0, 0, 0});
    if (is_fragment_) {
      header.insert(header.end(), {protocol_, 0});
      put16(header, fragment_);
      put32(header, identification_);
    }
    return header;
  }

  base::Ip source_, target_;
  std::vector<Tag> tags_;
  Bytes ip_options_, transport_, tcp_options_, payload_;
  std::uint8_t protocol_ = 59, ttl_ = 64;
  std::uint16_t identification_ = 1, fragment_ = 0;
  bool is_fragment_ = false, has_hop_by_hop_ = false;
  std::string scapy_;
};

}  // namespace edgesentry::test
