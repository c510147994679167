// One burst on its way through a worker: the packets, what the parser says of each, and what became
// of it. Arrays per field. The burst owns its packets: every mbuf leaves it exactly once, sent or
// freed, and what is left when it dies is freed.
//
// Owner: one worker; about 5 KiB, so two bursts and their headers stay in the first-level cache.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "base/units.h"
#include "scan/inspect.h"
#include "wire/probe.h"

namespace edgesentry::nic {

inline constexpr std::uint16_t kBurst = 64;
static_assert(kBurst <= scan::kBurstMax, "the inspector takes a burst in one call");

// Bytes on the wire of these packets.
inline std::uint64_t total_bytes(std::span<rte_mbuf* const> packets) noexcept {
  std::uint64_t bytes = 0;
  for (const rte_mbuf* packet : packets) bytes += rte_pktmbuf_pkt_len(packet);
  return bytes;
}

class Burst {
 public:
  Burst() = default;
  ~Burst() { free_all(); }
  Burst(const Burst&) = delete;
  Burst& operator=(const Burst&) = delete;

  // The packets are the first `count` of `packets`; probes and verdicts run in step with them.
  std::uint16_t count = 0;
  alignas(base::kCacheLine) std::array<rte_mbuf*, kBurst> packets;
  alignas(base::kCacheLine) std::array<wire::Probe, kBurst> probes;
  std::array<scan::Verdict, kBurst> verdicts;

  void add(rte_mbuf* packet, const wire::Probe& probe) noexcept {
    EDGESENTRY_DCHECK(count < kBurst, "the caller adds at most one burst");
    packets[count] = packet;
    probes[count] = probe;
    ++count;
  }
  [[nodiscard]] std::span<rte_mbuf* const> held() const noexcept {
    return std::span(packets).first(count);
  }
  // The packets were sent or handed to somebody else: the burst lets go of them.
  void forget() noexcept { count = 0; }
  void free_all() noexcept {
    if (count > 0) rte_pktmbuf_free_bulk(packets.data(), count);
    count = 0;
  }
};

}  // namespace edgesentry::nic
