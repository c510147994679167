// Who is behind a packet, as the tables see it: a keyed hash of the source address.
//
// IPv4: a keyed bijection of the 32 address bits (xor, odd multiplications and xor-shifts are each
// invertible), so two sources never share a tag and a verdict in tier 1 is exact. IPv6: 64 bits of
// a keyed folded-multiply hash over the configured prefix; a verdict there is confirmed in the drop
// set. The key is drawn at start, because sources are chosen by attackers (CRC32C with a secret
// seed is linear and would let them aim collisions).
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "base/ip.h"
#include "scan/inspect.h"

namespace edgesentry::scan {

struct SourceKey {
  std::uint32_t tag;   // stored and compared
  std::uint32_t home;  // its top bits choose the set
  bool ipv6;
};

inline std::uint32_t permute(std::uint32_t x, const HashKey& key) noexcept {
  x ^= static_cast<std::uint32_t>(key[0]);
  x *= static_cast<std::uint32_t>(key[1]) | 1;
  x ^= x >> 15;
  x *= static_cast<std::uint32_t>(key[2]) | 1;
  x ^= x >> 16;
  x *= static_cast<std::uint32_t>(key[3]) | 1;
  x ^= x >> 15;
  return x;
}

inline std::uint64_t folded_multiply(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// The source with the bits behind the configured IPv6 prefix cleared; IPv4 as it is.
inline base::Ip canonical_source(const base::Ip& ip, std::uint8_t ipv6_prefix) noexcept {
  auto words = std::bit_cast<std::array<std::uint64_t, 2>>(ip.bytes());
  constexpr std::uint32_t kMapped = 0xffff0000u;  // bytes 8-11 of ::ffff:a.b.c.d, little endian
  if (words[0] == 0 && static_cast<std::uint32_t>(words[1]) == kMapped) return ip;
  if (ipv6_prefix < 128) {
    const unsigned high = ipv6_prefix < 64 ? ipv6_prefix : 64;
    const unsigned low = ipv6_prefix - high;
    words[0] &= high == 0 ? 0 : __builtin_bswap64(~std::uint64_t{0} << (64 - high));
    words[1] &= low == 0 ? 0 : __builtin_bswap64(~std::uint64_t{0} << (64 - low));
  }
  return base::Ip::from_bytes(std::bit_cast<std::array<std::uint8_t, 16>>(words));
}

inline SourceKey source_key(const HashKey& key, const base::Ip& ip,
                            std::uint8_t ipv6_prefix) noexcept {
  const auto words = std::bit_cast<std::array<std::uint64_t, 2>>(ip.bytes());
  if (words[0] == 0 && static_cast<std::uint32_t>(words[1]) == 0xffff0000u) {
    const std::uint32_t tag = permute(static_cast<std::uint32_t>(words[1] >> 32), key);
    return {.tag = tag, .home = tag, .ipv6 = false};
  }
  const auto masked =
      std::bit_cast<std::array<std::uint64_t, 2>>(canonical_source(ip, ipv6_prefix).bytes());
  std::uint64_t hash = folded_multiply(masked[0] ^ key[0], masked[1] ^ key[1] ^ key[3]);
  hash = folded_multiply(hash ^ key[2], key[3] | 1);
  return {.tag = static_cast<std::uint32_t>(hash),
          .home = static_cast<std::uint32_t>(hash >> 32),
          .ipv6 = true};
}

}  // namespace edgesentry::scan
