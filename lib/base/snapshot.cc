// The quiescent-state variable of a Published value, on plain memory: no EAL needed.
#include "base/snapshot.h"

namespace edgesentry::base::detail {

std::unique_ptr<rte_rcu_qsbr, QsbrFree> make_qsbr(std::uint32_t readers_max) {
  EDGESENTRY_CHECK(readers_max > 0, "a value is published to at least one reader");
  // Rounded up by rte_rcu to the cache line, as aligned_alloc wants it.
  const std::size_t bytes = rte_rcu_qsbr_get_memsize(readers_max);
  auto* memory = std::aligned_alloc(kCacheLine, bytes);
  EDGESENTRY_CHECK(memory != nullptr, "snapshots are made at start, while there is memory");
  std::unique_ptr<rte_rcu_qsbr, QsbrFree> qsbr(static_cast<rte_rcu_qsbr*>(memory));
  const int fault = rte_rcu_qsbr_init(qsbr.get(), readers_max);
  EDGESENTRY_CHECK(fault == 0, "the reader count is above zero");
  return qsbr;
}

}  // namespace edgesentry::base::detail
