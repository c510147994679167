// The one file that is compiled for cores with AVX-512.
#include "scan/looks_lanes.h"

namespace edgesentry::scan {
namespace {

struct Avx512 {
  using Lanes = std::uint32_t __attribute__((vector_size(64)));

  // 16 bytes of probes i, i + 4, i + 8 and i + 12: unpacking within quarters keeps the order.
  static __m512i four(const wire::Probe* probes, std::size_t piece, std::size_t i) noexcept {
    const auto* first = reinterpret_cast<const __m128i*>(probes + i) + piece;
    constexpr std::size_t kStep = 4 * sizeof(wire::Probe) / sizeof(__m128i);
    __m512i all = _mm512_castsi128_si512(_mm_load_si128(first));
    all = _mm512_inserti32x4(all, _mm_load_si128(first + kStep), 1);
    all = _mm512_inserti32x4(all, _mm_load_si128(first + 2 * kStep), 2);
    return _mm512_inserti32x4(all, _mm_load_si128(first + 3 * kStep), 3);
  }
  static void upper_words(const wire::Probe* probes, std::size_t piece, Lanes& third,
                          Lanes& fourth) noexcept {
    const __m512i ab = _mm512_unpackhi_epi32(four(probes, piece, 0), four(probes, piece, 1));
    const __m512i cd = _mm512_unpackhi_epi32(four(probes, piece, 2), four(probes, piece, 3));
    third = reinterpret_cast<Lanes>(_mm512_unpacklo_epi64(ab, cd));
    fourth = reinterpret_cast<Lanes>(_mm512_unpackhi_epi64(ab, cd));
  }
  static void first_words(const wire::Probe* probes, std::size_t piece,
                          Words::Of<Lanes>& words) noexcept {
    const __m512i a = four(probes, piece, 0), b = four(probes, piece, 1);
    const __m512i c = four(probes, piece, 2), d = four(probes, piece, 3);
    const __m512i ab = _mm512_unpacklo_epi32(a, b), cd = _mm512_unpacklo_epi32(c, d);
    words.kind = reinterpret_cast<Lanes>(_mm512_unpacklo_epi64(ab, cd));
    words.more = reinterpret_cast<Lanes>(_mm512_unpackhi_epi64(ab, cd));
    words.ports = reinterpret_cast<Lanes>(
        _mm512_unpacklo_epi64(_mm512_unpackhi_epi32(a, b), _mm512_unpackhi_epi32(c, d)));
  }
  static std::uint32_t mask_of(Lanes lanes) noexcept {
    const auto all = reinterpret_cast<__m512i>(lanes);
    return _mm512_test_epi32_mask(all, all);
  }
};

}  // namespace

std::uint32_t look_at_sixteen(const wire::Probe* probes, const LookAsk& ask, Looks& looks,
                              std::size_t at) noexcept {
  return look_at_lanes<Avx512>(probes, ask, looks, at);
}

}  // namespace edgesentry::scan
