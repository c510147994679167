// The buffers of all packets: one DPDK mempool for all ports, so that a packet can leave by any
// port and hand-over between workers moves a pointer. Sized once at start from what queues, caches
// and hand-over rings can hold at the same time; when it is empty the NIC drops and counts (no
// buffer).
//
// Made and destroyed by main; workers take and return buffers through per-lcore caches.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "machine/memory_need.h"

struct rte_mbuf;
struct rte_mempool;

namespace edgesentry::nic {

using machine::kFrameBytesMax;
using machine::kHandoverRing;
using machine::kHeadroom;
using machine::kPoolCache;

class PacketPool {
 public:
  // `name` is unique in the process. `node`: the NUMA node for them, where it has room; -1: any.
  static base::Result<PacketPool> make(std::uint32_t packets, std::uint16_t data_room,
                                       const char* name = "edgesentry_packets", int node = -1);

  [[nodiscard]] rte_mempool* get() const noexcept { return pool_.get(); }
  // Any thread; for metrics. Walks the lcore caches, so not per packet.
  [[nodiscard]] std::uint32_t available() const noexcept;
  [[nodiscard]] std::uint32_t size() const noexcept;
  // Those that lie in no lcore's cache. Any thread; cheap.
  [[nodiscard]] std::uint32_t shared() const noexcept;
  // Up to so many, for trying out how it is without; any thread. They are given back one day.
  [[nodiscard]] std::vector<rte_mbuf*> take_away(std::uint32_t most) const;
  static void give_back(std::vector<rte_mbuf*>&& packets) noexcept;

 private:
  struct Free {
    void operator()(rte_mempool* pool) const noexcept;
  };
  explicit PacketPool(rte_mempool* pool) : pool_(pool) {}
  std::unique_ptr<rte_mempool, Free> pool_;
};

}  // namespace edgesentry::nic
