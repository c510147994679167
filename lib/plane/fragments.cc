#include "plane/fragments.h"

// Fragmenting by copy is marked experimental in DPDK 22.11; for this file alone it is allowed.
#define ALLOW_EXPERIMENTAL_API
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_ip_frag.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace edgesentry::plane {
namespace {

constexpr std::uint32_t kTagsMax = 2;
constexpr std::size_t kTypeAt = 12;  // of the EtherType in an Ethernet header
constexpr std::size_t kLinkMax = nic::kEthernetHeader + kTagsMax * nic::kVlanTag;

struct Link {
  std::uint32_t size = nic::kEthernetHeader;
  std::uint16_t outer_type = 0;
  std::uint16_t type = 0;  // behind the tags
};

std::uint16_t type_at(const std::uint8_t* bytes) noexcept {
  return static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
}

bool is_tag(std::uint16_t type) noexcept {
  return type == RTE_ETHER_TYPE_VLAN || type == RTE_ETHER_TYPE_QINQ;
}

Link link_of(const rte_mbuf* frame) noexcept {
  Link link;
  if (rte_pktmbuf_data_len(frame) < kLinkMax) return link;
  const auto* bytes = rte_pktmbuf_mtod(frame, const std::uint8_t*);
  link.outer_type = link.type = type_at(bytes + kTypeAt);
  for (std::uint32_t tags = 0; tags < kTagsMax && is_tag(link.type); ++tags) {
    link.size += nic::kVlanTag;
    link.type = type_at(bytes + link.size - 2);
  }
  return link;
}

std::uint32_t room_for(const Link& link, const nic::FrameRoom& room) noexcept {
  if (!room.is_packet_socket) return room.untagged + link.size - nic::kEthernetHeader;
  return room.untagged + (link.outer_type == RTE_ETHER_TYPE_VLAN ? nic::kVlanTag : 0);
}

// A whole IPv4 datagram, perhaps with padding behind it; its length, or 0.
std::uint16_t datagram_bytes(const rte_mbuf* frame, const Link& link) noexcept {
  const std::uint32_t size = rte_pktmbuf_data_len(frame) - link.size;
  if (link.type != RTE_ETHER_TYPE_IPV4 || size < sizeof(rte_ipv4_hdr)) return 0;
  const auto* ip = rte_pktmbuf_mtod_offset(frame, const rte_ipv4_hdr*, link.size);
  const std::uint8_t header = rte_ipv4_hdr_len(ip);
  const std::uint16_t total = rte_be_to_cpu_16(ip->total_length);
  const bool is_whole = ip->version == 4 && header >= sizeof(rte_ipv4_hdr) && total > header &&
                        total <= size;  // longer: cut short at reception
  return is_whole ? total : 0;
}

}  // namespace

bool fits(const rte_mbuf* frame, const nic::FrameRoom& room) noexcept {
  return rte_pktmbuf_pkt_len(frame) <= room_for(link_of(frame), room);
}

std::uint16_t cut(rte_mbuf* frame, const nic::FrameRoom& room, std::span<rte_mbuf*> out) noexcept {
  if (!rte_pktmbuf_is_contiguous(frame)) return 0;
  const Link link = link_of(frame);
  const std::uint16_t total = datagram_bytes(frame, link);
  if (total == 0) return 0;
  const std::uint32_t buffer = rte_pktmbuf_data_room_size(frame->pool) - RTE_PKTMBUF_HEADROOM;
  const std::uint32_t mtu = std::min(room_for(link, room) - link.size, buffer);
  std::array<std::uint8_t, kLinkMax> head{};
  std::memcpy(head.data(), rte_pktmbuf_mtod(frame, const void*), link.size);
  if (rte_pktmbuf_adj(frame, static_cast<std::uint16_t>(link.size)) == nullptr) return 0;
  if (rte_pktmbuf_trim(frame, static_cast<std::uint16_t>(frame->data_len - total)) != 0) return 0;
  const std::int32_t made = rte_ipv4_fragment_copy_nonseg_packet(
      frame, out.data(), static_cast<std::uint16_t>(out.size()), static_cast<std::uint16_t>(mtu),
      frame->pool);
  if (made <= 0) return 0;
  for (rte_mbuf* fragment : out.first(static_cast<std::size_t>(made))) {
    auto* ip = rte_pktmbuf_mtod(fragment, rte_ipv4_hdr*);
    ip->hdr_checksum = 0;
    ip->hdr_checksum = rte_ipv4_cksum(ip);
    std::memcpy(rte_pktmbuf_prepend(fragment, static_cast<std::uint16_t>(link.size)), head.data(),
                link.size);
  }
  return static_cast<std::uint16_t>(made);
}

}  // namespace edgesentry::plane
