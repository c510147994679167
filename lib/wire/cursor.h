// A bounds-checked view of the bytes still to be parsed. Private to wire: every read goes through
// has(), which is why parse() can promise that no byte is read before it is known to be there.
// Handed on by reference and used up: three words by value would be copied through memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/load.h"
#include "wire/parse.h"
#include "wire/probe.h"

namespace edgesentry::wire {

class Cursor {
 public:
  explicit Cursor(std::span<const std::uint8_t> frame) noexcept
      : begin_(frame.data()), at_(frame.data()), end_(frame.data() + frame.size()) {}

  [[nodiscard]] bool has(std::size_t bytes) const noexcept {
    return static_cast<std::size_t>(end_ - at_) >= bytes;
  }
  [[nodiscard]] std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  [[nodiscard]] const std::uint8_t* at() const noexcept { return at_; }
  [[nodiscard]] std::size_t offset() const noexcept {
    return static_cast<std::size_t>(at_ - begin_);
  }
  // Only after has(bytes).
  void skip(std::size_t bytes) noexcept { at_ += bytes; }
  // Forget everything behind the next `bytes` (Ethernet padding behind an IP packet).
  void limit(std::size_t bytes) noexcept {
    if (left() > bytes) end_ = at_ + bytes;
  }
  // Every tag, label, IP header, extension header and tunnel of a packet is paid for out of the
  // same kHeadersMax, so no way of nesting them makes a packet dear.
  [[nodiscard]] int headers_left() const noexcept { return headers_left_; }
  // At most headers_left().
  void pay(int headers) noexcept { headers_left_ -= headers; }

 private:
  const std::uint8_t* begin_;
  const std::uint8_t* at_;
  const std::uint8_t* end_;
  int headers_left_ = kHeadersMax;
};

// The transport header starts at the cursor. `ip_payload` is the payload's length by the IP header,
// which may be more than what was captured.
struct Transport {
  std::uint8_t protocol;
  std::uint32_t ip_payload;
};

// Ethertypes, as IEEE assigned them.
namespace ethertype {
inline constexpr std::uint16_t kIpv4 = 0x0800, kArp = 0x0806, kVlan = 0x8100, kIpv6 = 0x86dd,
                               kMpls = 0x8847, kMplsUpstream = 0x8848, kPppoeSession = 0x8864,
                               kQinq = 0x88a8, kQinqOld = 0x9100;
}

// IP protocol numbers, as IANA assigned them.
namespace ip_protocol {
inline constexpr std::uint8_t kIcmp = 1, kIpv4 = 4, kTcp = 6, kUdp = 17, kIpv6 = 41, kGre = 47,
                              kIcmpv6 = 58, kSctp = 132;
}

ParseOutcome parse_ethernet(Cursor& cursor, Probe& probe) noexcept;
ParseOutcome parse_ethertype(Cursor& cursor, std::uint16_t type, Probe& probe) noexcept;
ParseOutcome parse_ipv4(Cursor& cursor, Probe& probe) noexcept;
ParseOutcome parse_ipv6(Cursor& cursor, Probe& probe) noexcept;
ParseOutcome parse_transport(Cursor& cursor, const Transport& transport, Probe& probe) noexcept;

// The cursor stands behind the ethertype.
ParseOutcome parse_mpls(Cursor& cursor, Probe& probe) noexcept;
ParseOutcome parse_pppoe(Cursor& cursor, Probe& probe) noexcept;

// The cursor stands behind the IP header, or behind the UDP header. A tunnel without anything
// inside that can be looked into changes nothing: it stays the packet it is on the outside,
// probe.outcome aside, and the return value is `outside`.
ParseOutcome parse_ip_tunnel(Cursor& cursor, ParseOutcome outside, Probe& probe) noexcept;
ParseOutcome parse_udp_tunnel(Cursor& cursor, ParseOutcome outside, Probe& probe) noexcept;

}  // namespace edgesentry::wire
