#include "scan/looks.h"

#include <immintrin.h>

#include <bit>
#include <cstddef>
#include <cstring>

#include "scan/looks_lanes.h"

namespace edgesentry::scan {

namespace {

using wire::Probe;

void look_at_one(const Probe& probe, const LookAsk& ask, Looks& looks, std::size_t i) noexcept {
  const SourceKey key =
      source_key(ask.key, ask.role == Role::actor ? probe.source : probe.target, ask.ipv6_prefix);
  looks.tag[i] = key.tag;
  looks.home[i] = key.home;
  looks.plain[i] = key.ipv6 ? kPlainIpv6 : kPlainIpv4;
  looks.shut_out[i] = key.ipv6 ? kShutOutIpv6 : kShutOutIpv4;
  looks.place[i] = (key.home >> ask.shift) * kPlacesPerSet;
  looks.novelty[i] = novelty_of(ask.key, probe);
}

void look_one_by_one(std::span<const Probe> probes, const LookAsk& ask, Looks& looks,
                     std::size_t at) noexcept {
  for (std::size_t i = 0; i < probes.size(); ++i) look_at_one(probes[i], ask, looks, at + i);
}

struct Avx2 {
  using Lanes = std::uint32_t __attribute__((vector_size(32)));

  // 16 bytes of probes i and i + 4, so that unpacking within halves keeps the order of lanes.
  static __m256i pair(const Probe* probes, std::size_t piece, std::size_t i) noexcept {
    const auto* low = reinterpret_cast<const __m128i*>(probes + i) + piece;
    const auto* high = reinterpret_cast<const __m128i*>(probes + i + 4) + piece;
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_load_si128(low)),
                                   _mm_load_si128(high), 1);
  }
  static void upper_words(const Probe* probes, std::size_t piece, Lanes& third,
                          Lanes& fourth) noexcept {
    const __m256i ab = _mm256_unpackhi_epi32(pair(probes, piece, 0), pair(probes, piece, 1));
    const __m256i cd = _mm256_unpackhi_epi32(pair(probes, piece, 2), pair(probes, piece, 3));
    third = reinterpret_cast<Lanes>(_mm256_unpacklo_epi64(ab, cd));
    fourth = reinterpret_cast<Lanes>(_mm256_unpackhi_epi64(ab, cd));
  }
  static void first_words(const Probe* probes, std::size_t piece,
                          Words::Of<Lanes>& words) noexcept {
    const __m256i a = pair(probes, piece, 0), b = pair(probes, piece, 1);
    const __m256i c = pair(probes, piece, 2), d = pair(probes, piece, 3);
    const __m256i ab = _mm256_unpacklo_epi32(a, b), cd = _mm256_unpacklo_epi32(c, d);
    words.kind = reinterpret_cast<Lanes>(_mm256_unpacklo_epi64(ab, cd));
    words.more = reinterpret_cast<Lanes>(_mm256_unpackhi_epi64(ab, cd));
    words.ports = reinterpret_cast<Lanes>(
        _mm256_unpacklo_epi64(_mm256_unpackhi_epi32(a, b), _mm256_unpackhi_epi32(c, d)));
  }
  // A bit for each lane of 0 or all ones.
  static std::uint32_t mask_of(Lanes lanes) noexcept {
    return static_cast<std::uint32_t>(
        _mm256_movemask_ps(_mm256_castsi256_ps(reinterpret_cast<__m256i>(lanes))));
  }
};

template <std::size_t kLanes, std::uint32_t (*look_at_lanes_of)(const Probe*, const LookAsk&,
                                                                Looks&, std::size_t) noexcept>
void look_wide(std::span<const Probe> probes, const LookAsk& ask, Looks& looks,
               std::size_t at) noexcept {
  std::size_t i = 0;
  for (; i + kLanes <= probes.size(); i += kLanes) {
    std::uint32_t apart = look_at_lanes_of(probes.data() + i, ask, looks, at + i);
    for (; apart != 0; apart &= apart - 1) {
      const auto lane = static_cast<std::size_t>(std::countr_zero(apart));
      look_at_one(probes[i + lane], ask, looks, at + i + lane);
    }
  }
  look_one_by_one(probes.subspan(i), ask, looks, at + i);
}

}  // namespace

std::uint32_t novelty_of(const HashKey& key, const Probe& probe) noexcept {
  const std::uint32_t facts =
      std::uint32_t{probe.target_port} << 16 |
      ((std::uint32_t{probe.icmp_type} << 8 | probe.tcp_flags) & kFactsOfKind);
  std::uint32_t x = wire::fold(probe.target) * (static_cast<std::uint32_t>(key[2] >> 32) | 1);
  x ^= (facts + static_cast<std::uint32_t>(probe.outcome) * kOutcomeMix) * kPortsMix;
  // Fragments are told apart by datagram and place as well; 0 or all ones, without a branch.
  const std::uint32_t is_fragment = 0u - (probe.traits / wire::trait::kFragment & 1u);
  const std::uint32_t place = std::uint32_t{probe.identification} << 16 | probe.quoted_source_port;
  x += (place * 0xc2b2ae3du) & is_fragment;
  x ^= x >> 15;
  x *= static_cast<std::uint32_t>(key[3] >> 32) | 1;
  return x | 1;
}

bool is_available(Width width) noexcept {
  switch (width) {
    case Width::avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    case Width::avx2:
      return __builtin_cpu_supports("avx2");
    default:
      return true;
  }
}

LookAt look_at(Width width) noexcept {
  switch (width) {
    case Width::avx512:
      return look_wide<16, look_at_sixteen>;
    case Width::avx2:
      return look_wide<8, look_at_lanes<Avx2>>;
    default:
      return look_one_by_one;
  }
}

LookAt look_at_best() noexcept {
  for (const Width width : {Width::avx512, Width::avx2})
    if (is_available(width)) return look_at(width);
  return look_at(Width::scalar);
}

}  // namespace edgesentry::scan
