// A TCP segment from the target of a probe back to its source, as a frame.
//
// Ethernet addresses change places, VLAN tags stay; IPv4 with DF and without fragments (RFC 6864:
// the identification is then free, 0 here), IPv6 without extension headers; hop limit 64. Pure.
#pragma once

#include <cstdint>
#include <span>

#include "scan/cookie.h"

namespace edgesentry::verify {

// The longest: Ethernet with two tags, IPv6, TCP, options or a banner.
inline constexpr std::size_t kReplyMax = 14 + 8 + 40 + 20 + 256;

struct Segment {
  scan::Conversation conversation;  // as the probe had it; the segment goes the other way
  std::uint32_t sequence = 0, acknowledgement = 0;
  std::uint16_t window = 0;
  std::uint8_t flags = 0;
  std::span<const std::uint8_t> options = {};  // whole words
  std::span<const char> payload = {};
};

// Bytes of the IP packet that carries the segment.
[[nodiscard]] std::size_t ip_bytes_of(const Segment& segment) noexcept;

// `link` is the probe's Ethernet header with tags. Returns the frame's bytes, 0 when `out` is too
// small. `out` and `link` do not overlap.
[[nodiscard]] std::size_t write_frame(const Segment& segment, std::span<const std::uint8_t> link,
                                      std::span<std::uint8_t> out) noexcept;

}  // namespace edgesentry::verify
