// How long a frame may be that leaves by a port. A driver may take a longer one and lose it without
// a word, so senders check first.
//
// Read once, by main when the port starts; a later change of the MTU is not followed. Sources:
// rte_eth_dev_get_mtu for devices of DPDK; for a kernel interface the kernel's own MTU
// (netdevice(7) SIOCGIFMTU), which DPDK 22.11 does not ask for. The kernel takes from packet(7)
// sockets a frame of MTU and header, and 4 bytes more behind an 802.1Q tag (Linux
// net/packet/af_packet.c).
#pragma once

#include <cstdint>

namespace edgesentry::nic {

inline constexpr std::uint32_t kEthernetHeader = 14;
inline constexpr std::uint32_t kVlanTag = 4;

struct FrameRoom {
  std::uint32_t untagged = 0;     // bytes: MTU and Ethernet header, without check sequence
  bool is_packet_socket = false;  // one 802.1Q tag comes on top; elsewhere every VLAN tag does
};

[[nodiscard]] FrameRoom read_frame_room(std::uint16_t port) noexcept;

}  // namespace edgesentry::nic
