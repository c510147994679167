// What the probes of one suspect have shown of the tool that sent them: counts of marks, and the
// little that pair tests remember. Part of the tier-2 record; plain memory of one worker.
//
// Only probes that open a contact are given to next(): a retransmission repeats every number of the
// first packet and would pass for a tool.
#pragma once

#include <array>
#include <cstdint>

#include "scan/fingerprint.h"

namespace edgesentry::scan {

class ToolMarks {
 public:
  // A probe to a new contact: single packets and pairs.
  void next(const wire::Probe& probe) noexcept;
  // A further probe to a known contact, from another source port: nmap's operating system
  // detection sends those. Single packets only.
  void again(const wire::Probe& probe) noexcept { count(marks_of(probe)); }

  [[nodiscard]] ToolName name() const noexcept;

 private:
  [[nodiscard]] MarkSet pairs_of_tcp(const wire::Probe& probe, MarkSet marks) noexcept;
  [[nodiscard]] MarkSet pairs_of_udp(const wire::Probe& probe) noexcept;
  void count(MarkSet marks) noexcept;

  // Of the newest probe that the test was for; pairs are compared one after the other, so that
  // ordinary traffic of the same source in between costs a pair and no more.
  std::uint32_t sequence_ = 0;  // nmap's shape: the number it does not change; naabu counts it up
  std::uint32_t keys_[2] = {};  // Unicornscan's, with either byte order of the address
  std::uint32_t key_sequence_ = 0;
  std::uint32_t udp_target_ = 0;  // wire::fold() of the address
  std::uint16_t udp_port_ = 0;
  std::uint16_t udp_source_ = 0;
  std::uint16_t tcp_source_ = 0;
  // Probes and marks. All are halved now and then, so that shares stay those of lately.
  std::uint8_t seen_ = 0;
  std::array<std::uint8_t, kMarks> hits_{};
};

}  // namespace edgesentry::scan
