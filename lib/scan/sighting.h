// Tier 1: four sources in one cache line, 16 bytes each, all that most sources ever cost.
//
// The fields of the four ways stand as arrays, so that one vector compare looks at all tags. Plain
// memory of one worker. A source lives in the set that its key names, or nowhere.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cstdint>

#include "base/units.h"
#include "scan/source_key.h"

namespace edgesentry::scan {

inline constexpr int kWays = 4;

namespace sighting_flag {
inline constexpr std::uint8_t kUsed = 0x01;
inline constexpr std::uint8_t kIpv6 = 0x02;
inline constexpr std::uint8_t kBlocked = 0x04;      // dropped; exact for IPv4, see source_key.h
inline constexpr std::uint8_t kServes = 0x08;       // a protected host called it first
inline constexpr std::uint8_t kAlertOwed = 0x10;    // the ring to control refused its alert
inline constexpr std::uint8_t kSuspect = 0x20;      // has a record in tier 2
inline constexpr std::uint8_t kServesFiles = 0x40;  // a protected host called its FTP port
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

  // What most packets need no more than. Known: a source against which nothing is held and whose
  // newest packet was just such a one, or one that is dropped unseen (see scan::Looks for the
  // pointers). It is marked as seen here. Without a branch: with many sources either outcome is a
  // coin toss to the predictor, and the line belongs to this core.
  struct Glance {
    bool is_known, is_shut_out;
  };
  Glance glance(const std::uint32_t* who, const std::uint32_t* novelty, const std::uint32_t* plain,
                const std::uint32_t* shut_out, std::uint16_t now) noexcept {
    constexpr int kCalled = sighting_flag::kServes | sighting_flag::kServesFiles;
    const __m128i tags =
        _mm_cmpeq_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(tag)), each(who));
    const __m128i held = _mm_andnot_si128(_mm_set1_epi32(kCalled), wide_flags());
    const __m128i old =
        _mm_cmpeq_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(newest)), each(novelty));
    const __m128i repeats = _mm_and_si128(_mm_cmpeq_epi32(held, each(plain)), old);
    const __m128i dropped = _mm_and_si128(tags, _mm_cmpeq_epi32(held, each(shut_out)));
    const __m128i known = _mm_or_si128(_mm_and_si128(tags, repeats), dropped);
    const __m128i times = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(seen));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(seen),
                     _mm_blendv_epi8(times, _mm_set1_epi16(static_cast<short>(now)),
                                     _mm_packs_epi32(known, known)));
    return {_mm_testz_si128(known, known) == 0, _mm_testz_si128(dropped, dropped) == 0};
  }

  // The way that holds the source, or -1.
  [[nodiscard]] int find(const SourceKey& key) const noexcept {
    const int wanted = sighting_flag::kUsed | (key.ipv6 ? sighting_flag::kIpv6 : 0);
    const __m128i family =
        _mm_and_si128(_mm_set1_epi32(sighting_flag::kUsed | sighting_flag::kIpv6), wide_flags());
    const __m128i same =
        _mm_and_si128(has_tag(key.tag), _mm_cmpeq_epi32(family, _mm_set1_epi32(wanted)));
    const auto matches = static_cast<unsigned>(_mm_movemask_ps(_mm_castsi128_ps(same)));
    return matches == 0 ? -1 : std::countr_zero(matches);
  }

  // The way a new source may take: a free one, else the least suspicious and of those the one
  // longest unseen. -1 when every way holds a suspect or a blocked source.
  [[nodiscard]] int victim(std::uint16_t now) const noexcept {
    // Rank, then youth, then the way itself in one number: a minimum needs no branches. A free way
    // has neither rank nor youth.
    const __m128i ages = _mm_sub_epi16(_mm_set1_epi16(static_cast<short>(now)),
                                       _mm_loadl_epi64(reinterpret_cast<const __m128i*>(seen)));
    const __m128i youths = _mm_cvtepu16_epi32(_mm_andnot_si128(ages, _mm_set1_epi16(short{-1})));
    const __m128i ranks = _mm_cvtepu8_epi32(_mm_loadu_si32(rank));
    const __m128i used = _mm_set1_epi32(sighting_flag::kUsed);
    const __m128i is_used = _mm_cmpeq_epi32(_mm_and_si128(wide_flags(), used), used);
    const __m128i costs = _mm_or_si128(_mm_slli_epi32(ranks, 18), _mm_slli_epi32(youths, 2));
    const __m128i all = _mm_or_si128(_mm_and_si128(costs, is_used), _mm_set_epi32(3, 2, 1, 0));
    const __m128i two = _mm_min_epu32(all, _mm_shuffle_epi32(all, _MM_SHUFFLE(1, 0, 3, 2)));
    const __m128i one = _mm_min_epu32(two, _mm_shuffle_epi32(two, _MM_SHUFFLE(2, 3, 0, 1)));
    const auto best = static_cast<std::uint32_t>(_mm_cvtsi128_si32(one));
    return best >= std::uint32_t{kHeld} << 18 ? -1 : static_cast<int>(best & 3);
  }

  static constexpr std::uint8_t kHeld = 0x80;  // ranks from here on are never replaced by newcomers

 private:
  [[nodiscard]] __m128i wide_flags() const noexcept {
    return _mm_cvtepu8_epi32(_mm_loadu_si32(flags));
  }
  [[nodiscard]] __m128i has_tag(std::uint32_t wanted) const noexcept {
    return _mm_cmpeq_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(tag)),
                           _mm_set1_epi32(static_cast<int>(wanted)));
  }
  static __m128i each(const std::uint32_t* value) noexcept {
    return _mm_broadcastd_epi32(_mm_loadu_si32(value));
  }
};
static_assert(sizeof(SightingSet) == base::kCacheLine, "four sources cost one miss");

}  // namespace edgesentry::scan
