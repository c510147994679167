// A bounds-checked view of the bytes still to be parsed. Private to wire: every read goes through
// has(), which is why parse() can promise that no byte is read before it is known to be there.
// Handed on by reference and used up: three words by value would be copied through memory.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/ip.h"
#include "wire/probe.h"

namespace edgesentry::wire {

inline std::uint16_t load16(const std::uint8_t* at) noexcept {
  std::uint16_t value;
  std::memcpy(&value, at, sizeof(value));
  return __builtin_bswap16(value);
}

inline std::uint32_t load32(const std::uint8_t* at) noexcept {
  std::uint32_t value;
  std::memcpy(&value, at, sizeof(value));
  return __builtin_bswap32(value);
}

inline base::Ip load_ipv4(const std::uint8_t* at) noexcept {
  // ::ffff:a.b.c.d as two words, the address bytes as they stand on the wire. Built in registers:
  // byte stores read back as a whole would stall on store forwarding.
  static_assert(std::endian::native == std::endian::little);
  std::uint32_t address;
  std::memcpy(&address, at, sizeof(address));
  const std::array<std::uint64_t, 2> words{0, std::uint64_t{address} << 32 | 0xffff0000u};
  return base::Ip::from_bytes(std::bit_cast<std::array<std::uint8_t, 16>>(words));
}

inline base::Ip load_ipv6(const std::uint8_t* at) noexcept {
  std::array<std::uint8_t, 16> bytes;
  std::memcpy(bytes.data(), at, bytes.size());
  return base::Ip::from_bytes(bytes);
}

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

 private:
  const std::uint8_t* begin_;
  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

// The transport header starts at the cursor. `ip_payload` is the payload's length by the IP header,
// which may be more than what was captured.
struct Transport {
  std::uint8_t protocol;
  std::uint32_t ip_payload;
};

// RFC 9293 section 3.1: kind, length, data; 0 ends, 1 pads. At most 40 bytes, so at most 40 rounds.
[[nodiscard]] std::uint8_t tcp_option_traits(const std::uint8_t* at, std::size_t bytes) noexcept;

ParseOutcome parse_ipv4(Cursor& cursor, Probe& probe) noexcept;
ParseOutcome parse_ipv6(Cursor& cursor, Probe& probe) noexcept;
ParseOutcome parse_transport(Cursor& cursor, const Transport& transport, Probe& probe) noexcept;

}  // namespace edgesentry::wire
