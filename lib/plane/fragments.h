// Frames longer than the port they leave by takes. They are rare: on kernel interfaces IPv4
// datagrams whose fragments the kernel put together before they got here (net_af_packet asks for
// it), which go on as fragments again; anything else is refused. Where they were cut before is not
// known any more; identification, tags and payload stay.
//
// Called by workers, on their own packets. Fragments are copies from the packet's own pool, one
// buffer each, as the transmit queues were promised (RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE).
// Source: RFC 791 section 3.2, by DPDK's ip_frag; RFC 792's "fragmentation needed" is not sent.
#pragma once

#include <cstdint>
#include <span>

#include "nic/frame_room.h"

struct rte_mbuf;

namespace edgesentry::plane {

inline constexpr std::uint16_t kFragmentsMax = 64;

// Whether the port takes the frame as it is; VLAN tags may make it longer than `room.untagged`.
[[nodiscard]] bool fits(const rte_mbuf* frame, const nic::FrameRoom& room) noexcept;

// Cuts a frame that does not fit; returns how many fragments stand in `out`, which the caller owns.
// 0: it is no whole IPv4 datagram in one buffer, must not be cut (DF), needs more than `out` holds,
// or the pool is empty. The frame stays the caller's, but is no frame any more.
[[nodiscard]] std::uint16_t cut(rte_mbuf* frame, const nic::FrameRoom& room,
                                std::span<rte_mbuf*> out) noexcept;

}  // namespace edgesentry::plane
