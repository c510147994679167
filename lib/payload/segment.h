// What a single segment tells by itself: its payload, and what it acknowledges. Pure; any thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/probe.h"

namespace edgesentry::payload {

// The server has taken in what the source said, and not much more. The bound is what makes a guess
// at a sequence number hopeless; requests that are sent without waiting may lie in between.
inline bool acknowledges(const wire::Probe& probe, std::uint32_t said_until) noexcept {
  constexpr std::uint32_t kAhead = 1u << 18;
  return (probe.tcp_flags & wire::tcp_flag::kAck) != 0 &&
         probe.acknowledgement - said_until <= kAhead;
}

// The part of the frame behind the headers, as far as it was captured.
inline std::span<const std::uint8_t> payload_of(const wire::Probe& probe,
                                                std::span<const std::uint8_t> frame) noexcept {
  if (probe.payload_bytes == 0 || probe.payload_offset == 0 || frame.size() <= probe.payload_offset)
    return {};
  const auto rest = frame.subspan(probe.payload_offset);
  return rest.first(std::min<std::size_t>(rest.size(), probe.payload_bytes));
}

}  // namespace edgesentry::payload
