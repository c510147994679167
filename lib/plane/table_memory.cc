#include "plane/table_memory.h"

#include <fmt/format.h>
#include <linux/mempolicy.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/units.h"

namespace edgesentry::plane {
namespace {

constexpr std::size_t kHugePage = 2u << 20;

// Main touches the pages, so that without this they would lie near main. Raw, because all that
// libnuma adds is a package more to install; mbind(2). Advice: a node without room gives way.
void prefer_node(void* bytes, std::size_t size, unsigned node) {
  std::array<unsigned long, 16> nodes{};
  constexpr std::size_t kBits = 8 * sizeof(unsigned long);
  if (rte_socket_count() < 2 || node >= nodes.size() * kBits) return;
  nodes[node / kBits] = 1ul << node % kBits;
  (void)::syscall(SYS_mbind, bytes, size, MPOL_PREFERRED, nodes.data(), nodes.size() * kBits, 0u);
}

}  // namespace

base::Result<TableMemory> TableMemory::allocate(const TableMemoryRequest& request) {
  TableMemory memory;
  if (request.has_hugepages) {
    const int socket = static_cast<int>(rte_lcore_to_socket_id(request.lcore));
    void* bytes = rte_zmalloc_socket("edgesentry_tables", request.bytes, base::kCacheLine, socket);
    if (bytes == nullptr)
      return base::Error{fmt::format(
          "no hugepages left for a worker's tables of {} MiB on NUMA node {}: raise [dpdk] "
          "memory_mb and the reserved hugepages, or lower [table] sources",
          (request.bytes >> 20) + 1, socket)};
    memory.bytes_ = {static_cast<std::byte*>(bytes), request.bytes};
    return memory;
  }
  // One page more, so that the tables can start at a huge page's boundary.
  memory.mapping_size_ = request.bytes + 2 * kHugePage;
  void* mapping = ::mmap(nullptr, memory.mapping_size_, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED)
    return base::Error{fmt::format(
        "no memory for a worker's tables of {} MiB ({}): lower [table] sources, suspects or blocks",
        (request.bytes >> 20) + 1, std::strerror(errno))};
  memory.mapping_ = mapping;
  const auto start = reinterpret_cast<std::uintptr_t>(mapping);
  auto* bytes = reinterpret_cast<std::byte*>((start + kHugePage - 1) & ~(kHugePage - 1));
  memory.bytes_ = {bytes, request.bytes};
  prefer_node(mapping, memory.mapping_size_, rte_lcore_to_socket_id(request.lcore));
  // Advice: a kernel without transparent huge pages refuses it, and ordinary pages serve as well.
  (void)::madvise(bytes, (request.bytes + kHugePage - 1) & ~(kHugePage - 1), MADV_HUGEPAGE);
  std::memset(bytes, 0, request.bytes);
  return memory;
}

TableMemory::TableMemory(TableMemory&& other) noexcept
    : bytes_(std::exchange(other.bytes_, {})),
      mapping_(std::exchange(other.mapping_, nullptr)),
      mapping_size_(other.mapping_size_) {}

TableMemory::~TableMemory() {
  if (mapping_ != nullptr)
    ::munmap(mapping_, mapping_size_);
  else
    rte_free(bytes_.data());  // nullptr after a move, which rte_free() takes
}

}  // namespace edgesentry::plane
