// The probes of scanning tools, field by field, as each tool sends them; for the tests of the marks
// and of the pair tests.
#pragma once

#include "scan/fingerprint.h"
#include "scan/probes.h"

namespace edgesentry::scan {

inline const Flow kScan{ip4(198, 51, 100, 7), ip4(10, 77, 20, 10), 51000, 8443};
inline constexpr std::uint8_t kDontFragment = wire::trait::kDontFragment;

// A SYN of no tool: what the tests change one field of at a time.
inline wire::Probe plain_syn(const Flow& flow = kScan) {
  wire::Probe probe = tcp(flow, kSynFlag);
  probe.sequence = 0x5eed1234;
  probe.identification = 777;
  probe.window = 64240;
  probe.ttl = 55;
  probe.traits = kDontFragment;
  return probe;
}

inline wire::Probe nmap_syn(const Flow& flow = kScan, std::uint32_t sequence = 0xabcdef01) {
  wire::Probe probe = plain_syn(flow);
  probe.window = 1024;
  probe.sequence = sequence;
  probe.traits = 0;
  wire::set_tcp_layout(probe, detail::kMssAlone);
  return probe;
}

inline wire::Probe masscan_syn(const Flow& flow = kScan, std::uint32_t sequence = 0x5eed1234) {
  wire::Probe probe = plain_syn(flow);
  probe.window = 1024;
  probe.ttl = 245;
  probe.traits = 0;
  probe.sequence = sequence;
  probe.identification =
      static_cast<std::uint16_t>(flow.target.v4_value() ^ flow.target_port ^ sequence);
  return probe;
}

inline wire::Probe zmap_syn(std::uint32_t layout, std::uint8_t ttl = 55) {
  wire::Probe probe = plain_syn();
  probe.window = 65535;
  probe.ttl = ttl;
  probe.traits = 0;
  wire::set_tcp_layout(probe, layout);
  return probe;
}

inline wire::Probe hping_syn(const Flow& flow = kScan) {
  wire::Probe probe = plain_syn(flow);
  probe.window = 512;
  probe.acknowledgement = 0x1badcafe;
  probe.traits = 0;
  return probe;
}

// The nth of several probes: another port each, as a vertical scan has it.
inline Flow nth(std::uint32_t n) {
  Flow flow = kScan;
  flow.target_port = static_cast<std::uint16_t>(1000 + 7 * n);
  return flow;
}

}  // namespace edgesentry::scan
