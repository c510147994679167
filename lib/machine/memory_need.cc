#include "machine/memory_need.h"

#include <algorithm>

namespace edgesentry::machine {
namespace {

constexpr std::uint64_t kMiB = 1u << 20;
// EAL, drivers and mempool headers beside what we ask for; testpmd with two vdevs uses about 20
// MiB.
constexpr std::uint64_t kEalOwnBytes = 64 * kMiB;
// net_af_packet gives the socket address and TPACKET2_HDRLEN out of each frame: 52 - 20 bytes
// (packet(7)); 22 more for an Ethernet header with two VLAN tags.
constexpr std::uint32_t kFrameOverhead = 64;
constexpr std::uint32_t kStandardFrame = 2048;

int node_of(const Topology& topology, std::uint16_t core) noexcept {
  const Cpu* cpu = topology.find(core);
  return cpu == nullptr || cpu->node < 0 ? topology.nodes.front() : cpu->node;
}

}  // namespace

std::uint32_t packets_needed(const PoolNeed& need) noexcept {
  const std::uint32_t queued = need.ports * need.workers * need.descriptors * 2;
  const std::uint32_t held = need.workers * (kPoolCache + kPoolCache / 2 + kBurst * 2);
  const std::uint32_t handed_over = need.workers > 1 ? need.workers * kHandoverRing : 0;
  return queued + held + handed_over;
}

std::uint64_t pool_bytes(std::uint32_t packets, std::uint16_t data_room) noexcept {
  // mbuf, its data, and the mempool's object header and ring slot, rounded up to whole lines.
  return std::uint64_t{packets} * (kMbufBytes + data_room + 128);
}

std::uint32_t frame_bytes(std::uint32_t mtu) noexcept {
  std::uint32_t frame = kStandardFrame;
  while (frame < mtu + kFrameOverhead && frame < kFrameBytesMax) frame *= 2;
  return frame;
}

scan::InspectorSettings table_sizes(const config::Table& table) noexcept {
  return {.worker = {},
          .sources = table.sources,
          .suspects = table.suspects,
          .slow = table.slow_suspects,
          .blocks = table.blocks};
}

std::uint64_t table_bytes(const config::Config& config) noexcept {
  scan::InspectorSettings sizes = table_sizes(config.table);
  sizes.watches_arp = true;
  return config.workers.count * std::uint64_t{scan::Inspector::bytes_needed(sizes)};
}

MemoryNeed memory_need(const MemoryRequest& request) noexcept {
  const config::Workers& workers = request.config.workers;
  MemoryNeed need;
  need.data_room =
      static_cast<std::uint16_t>(std::max(request.frame_bytes, kStandardFrame) + kHeadroom);
  need.packets =
      std::max(workers.mbufs, packets_needed({.ports = static_cast<std::uint32_t>(request.ports),
                                              .workers = workers.count,
                                              .descriptors = workers.queue_descriptors}));
  need.packet_bytes = pool_bytes(need.packets, need.data_room) + kEalOwnBytes;
  need.table_bytes = request.table_bytes;
  const std::uint64_t least = std::uint64_t{request.config.dpdk.memory_mb} * kMiB;
  need.huge = std::max(least, need.packet_bytes + need.table_bytes);
  need.ordinary = std::max(least, need.packet_bytes);
  return need;
}

int packet_node(const Topology& topology, const Placement& placement, int port_node) noexcept {
  if (topology.nodes.size() < 2 || placement.cores.empty()) return -1;
  return port_node >= 0 ? port_node : node_of(topology, placement.cores.front());
}

std::vector<NodeNeed> need_by_node(const MemoryNeed& need, const Topology& topology,
                                   const Placement& placement, int port_node) {
  const int node_of_packets = packet_node(topology, placement, port_node);
  if (node_of_packets < 0) return {};
  std::vector<NodeNeed> needs;
  for (const int node : topology.nodes)
    needs.push_back({node, node == node_of_packets ? need.huge - need.table_bytes : 0});
  for (const std::uint16_t core : placement.cores) {
    const auto found = std::ranges::find(needs, node_of(topology, core), &NodeNeed::node);
    if (found != needs.end()) found->bytes += need.table_bytes / placement.cores.size();
  }
  return needs;
}

}  // namespace edgesentry::machine
