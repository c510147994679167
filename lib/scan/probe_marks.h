// Short hashes of a source's probes, by which the copies of one probe under several source
// addresses are recognised. nmap -D builds a probe once and sends it from every decoy: target, both
// ports, sequence numbers and IP identification are the same in all of them (nmap 7.93
// scan_engine_raw.cc send_ip_packet_*; measured spread below 0.1 ms). TTLs differ and are left out.
//
// Plain memory of one worker, copied into alerts.
#pragma once

#include <array>
#include <cstdint>

#include "base/units.h"
#include "wire/probe.h"

namespace edgesentry::scan {

struct ProbeMark {
  std::uint32_t hash = 0;  // 0: none
  std::uint32_t at_ms = 0;
};

// 0: nothing in the probe that its sender had to choose, so that strangers may send the same.
[[nodiscard]] inline std::uint32_t probe_hash(const wire::Probe& probe) noexcept {
  const bool is_tcp = probe.outcome == wire::ParseOutcome::tcp;
  const std::uint32_t id = probe.traits & wire::trait::kIpv6 ? 0 : probe.identification;
  const std::uint32_t numbers = is_tcp ? probe.sequence | probe.acknowledgement : id;
  if (numbers == 0 || probe.source_port == 0) return 0;
  std::uint64_t x = (std::uint64_t{wire::fold(probe.target)} << 32) |
                    (std::uint32_t{probe.target_port} << 16) | probe.source_port;
  const auto mix = [&x] {  // the finalizer of MurmurHash3 (public domain)
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdu;
    x ^= x >> 33;
  };
  mix();
  if (is_tcp) x ^= (std::uint64_t{probe.sequence} << 32) | probe.acknowledgement;
  mix();
  x ^= (std::uint64_t{id} << 8) | static_cast<std::uint64_t>(probe.protocol);
  mix();
  return static_cast<std::uint32_t>(x >> 32) | 1;
}

// The first ones and the newest: decoys may be decided on some probes later than their scanner.
class ProbeMarks {
 public:
  static constexpr std::size_t kFirst = 4;
  static constexpr std::size_t kNewest = 8;
  using List = std::array<ProbeMark, kFirst + kNewest>;

  void add(const wire::Probe& probe, base::Micros now) noexcept {
    const std::uint32_t hash = probe_hash(probe);
    if (hash == 0) return;
    list_[next_] = {hash, static_cast<std::uint32_t>(now.value / 1000)};
    if (++next_ == list_.size()) next_ = kFirst;
  }
  [[nodiscard]] const List& list() const noexcept { return list_; }

 private:
  List list_{};
  std::uint8_t next_ = 0;
};

}  // namespace edgesentry::scan
