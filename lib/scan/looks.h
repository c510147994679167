// The first stage of a burst: who is behind each packet, and whether it can be news about them.
//
// Written for a group of probes at a time, 8 or 16 lanes wide where the core can (AVX2, AVX-512)
// and one by one where it cannot; each way gives the same, bit for bit. Lanes that are no plain
// IPv4 (IPv6, fragments, what has no address) are always worked out one by one. Owner: one worker.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/units.h"
#include "scan/inspect.h"
#include "scan/sighting.h"
#include "scan/source_key.h"
#include "wire/probe.h"

namespace edgesentry::scan {

// Of one packet.
struct Look {
  SourceKey key;
  std::uint32_t novelty;  // equal to the newest of its source, it brings no news
};

inline constexpr std::uint32_t kPlainIpv4 = sighting_flag::kUsed,
                               kPlainIpv6 = sighting_flag::kUsed | sighting_flag::kIpv6,
                               kShutOutIpv4 = sighting_flag::kUsed | sighting_flag::kBlocked,
                               kShutOutIpv6 = 0x100;  // no flags have that bit: none is

// Of a burst, an array for each field; see SourceKey.
struct Looks {
  alignas(base::kCacheLine) std::array<std::uint32_t, kBurstMax> tag;
  alignas(base::kCacheLine) std::array<std::uint32_t, kBurstMax> home;
  alignas(base::kCacheLine) std::array<std::uint32_t, kBurstMax> novelty;
  // The flags in tier 1 of one of this family with nothing held against it, and of one that is
  // dropped unseen: an IPv4 source that is blocked (the tag of an IPv6 one may be another's).
  alignas(base::kCacheLine) std::array<std::uint32_t, kBurstMax> plain;
  alignas(base::kCacheLine) std::array<std::uint32_t, kBurstMax> shut_out;
  // Where the set of the source begins in tier 1, in units of 8 bytes: a load and an addressing
  // mode are then all that a prefetch takes of the reorder buffer.
  alignas(base::kCacheLine) std::array<std::uint32_t, kBurstMax> place;

  [[nodiscard]] Look at(std::size_t i) const noexcept {
    return {{.tag = tag[i], .home = home[i], .ipv6 = plain[i] == kPlainIpv6}, novelty[i]};
  }
};

// Target, port, flags and type of a packet in 32 bits, never 0; PSH comes and goes inside one
// conversation and is left out.
[[nodiscard]] std::uint32_t novelty_of(const HashKey& key, const wire::Probe& probe) noexcept;

inline constexpr unsigned kPlacesPerSet = base::kCacheLine / 8;

// What is the same for all probes of a group.
struct LookAsk {
  const HashKey& key;
  std::uint8_t ipv6_prefix;
  Role role;       // actor: the probes' sources are looked up; answer: their targets
  unsigned shift;  // home >> shift is the set
};

// Fills looks[at ..) for the probes; at + probes.size() <= kBurstMax.
using LookAt = void (*)(std::span<const wire::Probe> probes, const LookAsk& ask, Looks& looks,
                        std::size_t at) noexcept;

enum class Width { scalar, avx2, avx512 };

[[nodiscard]] bool is_available(Width width) noexcept;
[[nodiscard]] LookAt look_at(Width width) noexcept;
// What this core does fastest.
[[nodiscard]] LookAt look_at_best() noexcept;

}  // namespace edgesentry::scan
