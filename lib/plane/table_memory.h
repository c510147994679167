// Memory for one worker's tables: hugepages on the worker's NUMA node where EAL has some, else
// anonymous memory that the kernel is asked to back with huge pages, on that node too. Zeroed,
// touched once at start (nothing is allocated, and nothing faults, later), freed with the object.
//
// Used by main at start; the worker then owns the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"

namespace edgesentry::plane {

struct TableMemoryRequest {
  std::size_t bytes = 0;
  std::uint32_t lcore = 0;
  bool has_hugepages = false;
};

class TableMemory {
 public:
  static base::Result<TableMemory> allocate(const TableMemoryRequest& request);
  TableMemory(TableMemory&& other) noexcept;
  TableMemory& operator=(TableMemory&&) = delete;
  ~TableMemory();

  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return bytes_; }

 private:
  TableMemory() = default;
  std::span<std::byte> bytes_;
  void* mapping_ = nullptr;  // nullptr: bytes_ came from EAL
  std::size_t mapping_size_ = 0;
};

}  // namespace edgesentry::plane
