// The arithmetic of the wide ways, once for every width. Private to scan: looks.cc and
// looks_avx512.cc, which is compiled for other cores than the rest and shares no code with it that
// a linker could mix up: nothing here but the two of them's own copies.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "scan/looks.h"

namespace edgesentry::scan {

// Sixteen probes of which each has a lane; returns the lanes that must be worked out apart. Only
// where is_available(Width::avx512).
std::uint32_t look_at_sixteen(const wire::Probe* probes, const LookAsk& ask, Looks& looks,
                              std::size_t at) noexcept;

namespace {

constexpr std::uint32_t kMapped = 0xffff0000u;  // the third word of ::ffff:a.b.c.d
constexpr std::uint32_t kFactsOfKind = 0xffffu & ~std::uint32_t{wire::tcp_flag::kPsh};
constexpr std::uint32_t kPortsMix = 0x9e3779b1u, kOutcomeMix = 0x01000193u;

// The words of the last 16 bytes of a probe, as the vectors see them.
static_assert(offsetof(wire::Probe, outcome) == 48 && offsetof(wire::Probe, tcp_flags) == 50 &&
              offsetof(wire::Probe, icmp_type) == 51 && offsetof(wire::Probe, traits) == 54 &&
              offsetof(wire::Probe, target_port) == 58);

// The same word of 8 or 16 probes, a lane each.
struct Words {
  template <class Lanes>
  struct Of {
    Lanes who_mapped, who;        // third and fourth word of the address that is looked up
    Lanes target_mapped, target;  // ... of the probe's target
    Lanes kind, more, ports;      // the words from 48, 52 and 56 on
  };
};

// permute() and novelty_of(), lane by lane. Returns the lanes that must be worked out apart.
template <class Simd>
std::uint32_t look_at_lanes(const wire::Probe* probes, const LookAsk& ask, Looks& looks,
                            std::size_t at) noexcept {
  using Lanes = typename Simd::Lanes;
  Words::Of<Lanes> words;
  Simd::upper_words(probes, 1, words.target_mapped, words.target);
  if (ask.role == Role::actor)
    Simd::upper_words(probes, 0, words.who_mapped, words.who);
  else
    words.who_mapped = words.target_mapped, words.who = words.target;
  Simd::first_words(probes, 3, words);

  const auto key = [&](std::size_t i) { return static_cast<std::uint32_t>(ask.key[i]); };
  const auto upper = [&](std::size_t i) { return static_cast<std::uint32_t>(ask.key[i] >> 32); };
  Lanes tag = words.who ^ key(0);
  tag *= key(1) | 1;
  tag ^= tag >> 15;
  tag *= key(2) | 1;
  tag ^= tag >> 16;
  tag *= key(3) | 1;
  tag ^= tag >> 15;

  const Lanes facts = (words.ports & 0xffff0000u) | (words.kind >> 16 & kFactsOfKind);
  Lanes x = words.target * (upper(2) | 1);
  x ^= (facts + (words.kind & 0xffu) * kOutcomeMix) * kPortsMix;
  x ^= x >> 15;
  x *= upper(3) | 1;
  x |= 1;

  std::memcpy(looks.tag.data() + at, &tag, sizeof(tag));
  std::memcpy(looks.home.data() + at, &tag, sizeof(tag));
  const Lanes place = (tag >> ask.shift) * kPlacesPerSet;
  std::memcpy(looks.place.data() + at, &place, sizeof(place));
  std::memcpy(looks.novelty.data() + at, &x, sizeof(x));
  const Lanes none{}, plain = none + kPlainIpv4, shut_out = none + kShutOutIpv4;
  std::memcpy(looks.plain.data() + at, &plain, sizeof(plain));
  std::memcpy(looks.shut_out.data() + at, &shut_out, sizeof(shut_out));
  constexpr std::uint32_t kApart = (wire::trait::kIpv6 | wire::trait::kFragment) << 16;
  const Lanes odd =
      (words.who_mapped ^ kMapped) | (words.target_mapped ^ kMapped) | (words.more & kApart);
  return Simd::mask_of(odd != 0);
}

}  // namespace
}  // namespace edgesentry::scan
