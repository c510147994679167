// How much memory a configuration needs: buffers of packets, tables of workers, DPDK's own. The one
// place of this arithmetic, for the plan of the start and for `edgesentry doctor`.
//
// Pure functions; any thread. Sizes of DPDK's structures are asserted where DPDK's headers are
// (nic/packet_pool.cc).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "config/config.h"
#include "machine/placement.h"
#include "scan/inspect.h"

namespace edgesentry::machine {

inline constexpr std::uint32_t kPoolCache = 256;        // buffers kept by each lcore
inline constexpr std::uint32_t kHandoverRing = 2048;    // packets between one pair of workers
inline constexpr std::uint32_t kBurst = 64;             // packets in a worker's hands
inline constexpr std::uint16_t kHeadroom = 128;         // RTE_PKTMBUF_HEADROOM
inline constexpr std::uint32_t kFrameBytesMax = 16384;  // jumbo frames of 9,000 bytes, and a tag
inline constexpr std::uint32_t kMbufBytes = 128;        // sizeof(rte_mbuf)

struct PoolNeed {
  std::uint32_t ports = 0;
  std::uint32_t workers = 0;
  std::uint32_t descriptors = 0;
};
// Receive and transmit queues full, caches full (mempool keeps up to 1.5 times), one burst in each
// worker's hands and one full hand-over ring on the way to each worker.
[[nodiscard]] std::uint32_t packets_needed(const PoolNeed& need) noexcept;
[[nodiscard]] std::uint64_t pool_bytes(std::uint32_t packets, std::uint16_t data_room) noexcept;

// Bytes of a net_af_packet frame for an interface of this MTU.
[[nodiscard]] std::uint32_t frame_bytes(std::uint32_t mtu) noexcept;

// The sizes of one worker's tables; all else in there is the worker's.
[[nodiscard]] scan::InspectorSettings table_sizes(const config::Table& table) noexcept;
// Of all workers.
[[nodiscard]] std::uint64_t table_bytes(const config::Config& config) noexcept;

struct MemoryNeed {
  std::uint32_t packets = 0;       // buffers of the pool
  std::uint16_t data_room = 0;     // bytes of each, headroom included
  std::uint64_t packet_bytes = 0;  // of the pool, and what DPDK takes for itself
  std::uint64_t table_bytes = 0;
  std::uint64_t huge = 0;      // bytes of hugepages that are asked for, where there are enough
  std::uint64_t ordinary = 0;  // bytes that DPDK is given otherwise; tables come on top
};
struct MemoryRequest {
  const config::Config& config;
  std::size_t ports = 0;
  std::uint32_t frame_bytes = 0;  // of the largest frame
  std::uint64_t table_bytes = 0;
};
[[nodiscard]] MemoryNeed memory_need(const MemoryRequest& request) noexcept;

struct NodeNeed {
  int node = 0;
  std::uint64_t bytes = 0;
};
// Where packets are to lie: on the node of the ports, or of the first worker where theirs is
// unknown. -1: no matter, there are not several nodes.
[[nodiscard]] int packet_node(const Topology& topology, const Placement& placement,
                              int port_node) noexcept;
// Hugepages by NUMA node: tables on the node of their worker, the rest on packet_node(). Empty
// unless `topology` has several nodes.
[[nodiscard]] std::vector<NodeNeed> need_by_node(const MemoryNeed& need, const Topology& topology,
                                                 const Placement& placement, int port_node);

}  // namespace edgesentry::machine
