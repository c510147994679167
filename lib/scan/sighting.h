// Tier 1: four sources in one cache line, 16 bytes each, all that most sources ever cost.
//
// The fields of the four ways stand as arrays, so that one vector compare looks at all tags. Plain
// memory of one worker. A source lives in the set that its key names, or nowhere.
#pragma once

#include <immintrin.h>

#include <bit>
#include <cstdint>

#include "base/units.h"
#include "scan/source_key.h"

namespace edgesentry::scan {

inline constexpr int kWays = 4;

namespace sighting_flag {
inline constexpr std::uint8_t kUsed = 0x01;
inline constexpr std::uint8_t kIpv6 = 0x02;
inline constexpr std::uint8_t kBlocked = 0x04;    // dropped; exact for IPv4, see source_key.h
inline constexpr std::uint8_t kServes = 0x08;     // a protected host called it first
inline constexpr std::uint8_t kAlertOwed = 0x10;  // the ring to control refused its alert
inline constexpr std::uint8_t kSuspect = 0x20;    // has a record in tier 2
}  // namespace sighting_flag

// Coarse time: units of 2^20 us, about 1.05 s; wraps after 19 hours, compared modulo.
inline std::uint16_t coarse(base::Micros now) noexcept {
  return static_cast<std::uint16_t>(now.value >> 20);
}

struct alignas(base::kCacheLine) SightingSet {
  std::uint32_t tag[kWays];      //  0  who
  std::uint32_t newest[kWays];   // 16  fingerprint of the newest packet: repeats are free
  std::uint16_t sketch[kWays];   // 32  bitmap of distinct contacts, the doorkeeper of tier 2
  std::uint16_t seen[kWays];     // 40  coarse time of the last packet
  std::uint16_t suspect[kWays];  // 48  slot in tier 2, 0 is none
  std::uint8_t rank[kWays];      // 56  how much is held against it: the lowest is replaced first
  std::uint8_t flags[kWays];     // 60

  // Nothing is held against the source of this way, so a repeated packet needs no second look.
  [[nodiscard]] bool is_plain(int way) const noexcept {
    constexpr std::uint8_t kPlain =
        sighting_flag::kUsed | sighting_flag::kIpv6 | sighting_flag::kServes;
    return (flags[way] & ~kPlain) == 0;
  }

  // The way that holds the source, or -1.
  [[nodiscard]] int find(const SourceKey& key) const noexcept {
    const __m128i wanted = _mm_set1_epi32(static_cast<int>(key.tag));
    const __m128i tags = _mm_load_si128(reinterpret_cast<const __m128i*>(tag));
    auto matches =
        static_cast<unsigned>(_mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(wanted, tags))));
    const std::uint8_t family =
        sighting_flag::kUsed | (key.ipv6 ? sighting_flag::kIpv6 : std::uint8_t{0});
    constexpr std::uint8_t kMask = sighting_flag::kUsed | sighting_flag::kIpv6;
    while (matches != 0) {  // at most four rounds; a second one means v4 and v6 share a tag
      const int way = std::countr_zero(matches);
      if ((flags[way] & kMask) == family) return way;
      matches &= matches - 1;
    }
    return -1;
  }

  // The way a new source may take: a free one, else the least suspicious and of those the one
  // longest unseen. -1 when every way holds a suspect or a blocked source.
  [[nodiscard]] int victim(std::uint16_t now) const noexcept {
    int best = -1;
    std::uint32_t best_cost = std::uint32_t{kHeld} << 16;
    for (int way = 0; way < kWays; ++way) {
      if (!(flags[way] & sighting_flag::kUsed)) return way;
      const auto age = static_cast<std::uint16_t>(now - seen[way]);
      const std::uint32_t cost = std::uint32_t{rank[way]} << 16 | static_cast<std::uint16_t>(~age);
      if (cost < best_cost) {
        best_cost = cost;
        best = way;
      }
    }
    return best;
  }

  static constexpr std::uint8_t kHeld = 0x80;  // ranks from here on are never replaced by newcomers
};
static_assert(sizeof(SightingSet) == base::kCacheLine, "four sources cost one miss");

}  // namespace edgesentry::scan
