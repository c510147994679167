// Probes for the tables and detectors, without the parser in front: TCP SYNs of numbered sources.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/ip.h"
#include "frame_pool.h"
#include "scan/inspect.h"
#include "wire/probe.h"

namespace edgesentry::perf {

inline constexpr std::size_t kProbeBurst = 32;
using ProbeBurst = std::array<wire::Probe, kProbeBurst>;

inline wire::Probe syn_probe(std::uint32_t source, std::uint16_t port) {
  wire::Probe probe{};
  probe.source = base::Ip::v4(0x14000000 + source);
  probe.target = base::Ip::v4(0x0a000001);
  probe.source_port = 40000;
  probe.target_port = port;
  probe.outcome = wire::ParseOutcome::tcp;
  probe.protocol = 6;
  probe.tcp_flags = wire::tcp_flag::kSyn;
  return probe;
}

class ProbePool {
 public:
  explicit ProbePool(std::uint32_t sources) : order_(sources) {
    for (auto& probe : probes_) probe = syn_probe(0, 443);
  }
  // A burst of sources that have not been seen; after all have, of seen ones again.
  std::span<const wire::Probe> next_new() noexcept {
    for (auto& probe : probes_) probe.source = base::Ip::v4(0x14000000 + order_.each_once());
    return probes_;
  }
  std::span<const wire::Probe> next_random() noexcept {
    for (auto& probe : probes_) probe.source = base::Ip::v4(0x14000000 + order_.random());
    return probes_;
  }

 private:
  SourceOrder order_;
  ProbeBurst probes_;
};

}  // namespace edgesentry::perf
