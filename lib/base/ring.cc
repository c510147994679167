// An rte_ring on plain memory: no EAL, no memzone, no name registry.
#include "base/ring.h"

#include <bit>

namespace edgesentry::base::detail {

std::shared_ptr<rte_ring> make_rte_ring(std::uint32_t capacity, std::uint32_t element_bytes) {
  constexpr std::uint32_t kCapacityMax = 1u << 30;  // RTE_RING_SZ_MASK, less the slot kept free
  EDGESENTRY_CHECK(capacity > 0 && capacity <= kCapacityMax, "a ring holds between 1 and 2^30");
  const std::uint32_t count = std::bit_ceil(capacity);
  // rte_ring keeps one slot free to tell full from empty; RING_F_EXACT_SZ makes the capacity
  // `count` itself, at the price of twice the slots.
  const ssize_t bytes = rte_ring_get_memsize_elem(element_bytes, count * 2);
  EDGESENTRY_CHECK(bytes > 0, "elements are a multiple of four bytes");
  // The size is already a multiple of the cache line, as aligned_alloc wants it.
  auto* memory = std::aligned_alloc(kCacheLine, static_cast<std::size_t>(bytes));
  EDGESENTRY_CHECK(memory != nullptr, "rings are made at start, while there is memory");
  std::shared_ptr<rte_ring> ring(static_cast<rte_ring*>(memory), RingFree{});
  const int fault = rte_ring_init(ring.get(), "edgesentry", count,
                                  RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
  EDGESENTRY_CHECK(fault == 0, "name and size were chosen within rte_ring's limits");
  return ring;
}

}  // namespace edgesentry::base::detail
