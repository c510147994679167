#include "nic/packet_pool.h"

#include <fmt/format.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "nic/burst.h"

namespace edgesentry::nic {

static_assert(kHeadroom == RTE_PKTMBUF_HEADROOM, "buffers are sized with DPDK's headroom");
static_assert(machine::kBurst == kBurst, "the pool has a burst in the hands of each worker");
static_assert(machine::kMbufBytes == sizeof(rte_mbuf), "the pool is sized with DPDK's mbuf");
static_assert(kPoolCache <= RTE_MEMPOOL_CACHE_MAX_SIZE, "DPDK refuses larger caches");

base::Result<PacketPool> PacketPool::make(std::uint32_t packets, std::uint16_t data_room,
                                          const char* name, int node) {
  rte_mempool* pool = rte_pktmbuf_pool_create(name, packets, kPoolCache, 0, data_room, node);
  // Far memory is slower, but better than none.
  if (pool == nullptr && node != SOCKET_ID_ANY)
    pool = rte_pktmbuf_pool_create(name, packets, kPoolCache, 0, data_room, SOCKET_ID_ANY);
  if (pool == nullptr)
    return base::Error{fmt::format(
        "no memory for {} packet buffers of {} bytes ({}): raise [dpdk] memory_mb to at least {}",
        packets, data_room, rte_strerror(rte_errno),
        (machine::pool_bytes(packets, data_room) >> 20) + 64)};
  return PacketPool(pool);
}

std::uint32_t PacketPool::available() const noexcept {
  return rte_mempool_avail_count(pool_.get());
}
std::uint32_t PacketPool::size() const noexcept {
  return pool_->size;
}

std::uint32_t PacketPool::shared() const noexcept {
  return rte_mempool_get_ops(pool_->ops_index)->get_count(pool_.get());
}

std::vector<rte_mbuf*> PacketPool::take_away(std::uint32_t most) const {
  std::vector<rte_mbuf*> taken;
  while (taken.size() < most) {
    rte_mbuf* packet = rte_pktmbuf_alloc(pool_.get());
    if (packet == nullptr) break;
    taken.push_back(packet);
  }
  return taken;
}

void PacketPool::give_back(std::vector<rte_mbuf*>&& packets) noexcept {
  for (rte_mbuf* packet : packets) rte_pktmbuf_free(packet);
  packets.clear();
}

void PacketPool::Free::operator()(rte_mempool* pool) const noexcept {
  rte_mempool_free(pool);
}

}  // namespace edgesentry::nic
