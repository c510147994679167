// Which part of a datagram a fragment carries, in units of 8 octets (RFC 791 section 3.1, RFC 8200
// section 4.5). Pure; packed by the parser into fields of the probe that fragments have no use for.
#pragma once

#include <cstdint>

#include "wire/probe.h"

namespace edgesentry::wire {

struct FragmentSpan {
  std::uint16_t begin = 0, end = 0;  // units; equal: nothing is known
  bool more = false;                 // more fragments follow
};

// `field` as in IPv6: offset in the upper 13 bits, then two unused ones, then "more".
constexpr void note_later_fragment(Probe& probe, std::uint16_t field) noexcept {
  probe.quoted_source_port = field;
}

// An ICMP message needs no note: its header is always as long, and an error's quote stands there.
constexpr void note_first_fragment(Probe& probe, ParseOutcome outcome,
                                   std::uint32_t bytes) noexcept {
  if (outcome == ParseOutcome::icmp) return;
  const std::uint32_t units = bytes / 8;
  probe.quoted_protocol = static_cast<std::uint8_t>(units);
  probe.icmp_code = static_cast<std::uint8_t>(units >> 8);
}

// Of a probe with trait::kFragment.
constexpr FragmentSpan fragment_span(const Probe& probe) noexcept {
  if (probe.outcome == ParseOutcome::later_fragment) {
    const auto begin = static_cast<std::uint16_t>(probe.quoted_source_port >> 3);
    const auto units = static_cast<std::uint16_t>((std::uint32_t{probe.payload_bytes} + 7) / 8);
    return {.begin = begin,
            .end = static_cast<std::uint16_t>(begin + units),
            .more = (probe.quoted_source_port & 1) != 0};
  }
  constexpr std::uint32_t kIcmpHeader = 8;
  const std::uint32_t units = probe.outcome == ParseOutcome::icmp
                                  ? (probe.payload_bytes + kIcmpHeader) / 8
                                  : std::uint32_t{probe.icmp_code} << 8 | probe.quoted_protocol;
  return {.begin = 0, .end = static_cast<std::uint16_t>(units), .more = true};
}

}  // namespace edgesentry::wire
