// Numbers and addresses out of wire bytes, in any alignment. The caller has checked that they are
// there.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "base/ip.h"

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

inline std::uint64_t load64(const std::uint8_t* at) noexcept {
  std::uint64_t value;
  std::memcpy(&value, at, sizeof(value));
  return __builtin_bswap64(value);
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

}  // namespace edgesentry::wire
