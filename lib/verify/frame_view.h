// Where the headers of a frame stand that the appliance may answer: Ethernet, up to two VLAN tags,
// one IPv4 or IPv6 header, and the transport right behind it.
//
// Reads the bytes again instead of trusting the probe: a reply is made of them. Everything else
// (tunnels, fragments, extension headers, lies about lengths, damage) is refused, with its reason.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <span>

#include "scan/reply.h"
#include "wire/probe.h"

namespace edgesentry::verify {

struct FrameView {
  std::span<const std::uint8_t> link;       // Ethernet header and tags, with the ethertype
  std::span<const std::uint8_t> transport;  // to the end of the IP packet
  std::uint16_t ip_bytes = 0;               // the whole IP packet, as its header says
};

struct FrameRead {
  bool is_answerable = false;
  scan::ReplyRefusal refusal = scan::ReplyRefusal::malformed;  // when it is not
  FrameView view;
};

[[nodiscard]] FrameRead read_frame(const wire::Probe& probe,
                                   std::span<const std::uint8_t> frame) noexcept;

// Bytes of the IP packet that the probe tells of, of any kind; 0 when its header is not where
// read_frame() looks for it. For what a source has paid.
[[nodiscard]] std::uint16_t ip_bytes_of(std::span<const std::uint8_t> frame) noexcept;

}  // namespace edgesentry::verify
