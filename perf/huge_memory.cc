#include "huge_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "base/check.h"

namespace edgesentry::perf {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

// The kernel's own count for the mapping that starts at or before `at` (man proc, smaps).
std::size_t transparent_huge_bytes(const void* at) {
  std::FILE* file = std::fopen("/proc/self/smaps", "r");
  if (file == nullptr) return 0;
  const auto wanted = reinterpret_cast<std::uintptr_t>(at);
  char line[512];
  bool inside = false;
  std::size_t kib = 0;
  while (std::fgets(line, sizeof(line), file) != nullptr) {
    std::uintptr_t begin = 0, end = 0;
    if (std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &begin, &end) == 2)
      inside = begin <= wanted && wanted < end;
    if (inside && std::sscanf(line, "AnonHugePages: %zu kB", &kib) == 1) break;
  }
  std::fclose(file);
  return kib << 10;
}

}  // namespace

HugeMemory::HugeMemory(std::size_t bytes)
    : size_((std::max<std::size_t>(bytes, 1) + kHugePage - 1) / kHugePage * kHugePage) {
  constexpr int kProtection = PROT_READ | PROT_WRITE;
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS;
  mapped_bytes_ = size_;
  mapped_ = mmap(nullptr, mapped_bytes_, kProtection, kFlags | MAP_HUGETLB, -1, 0);
  if (mapped_ != MAP_FAILED) {
    begin_ = static_cast<std::byte*>(mapped_);
    std::memset(begin_, 0, size_);
    backing_ = "hugetlb";
    huge_share_ = 1;
    return;
  }
  mapped_bytes_ = size_ + kHugePage;
  mapped_ = mmap(nullptr, mapped_bytes_, kProtection, kFlags, -1, 0);
  EDGESENTRY_CHECK(mapped_ != MAP_FAILED, "a benchmark needs its table in memory");
  const auto raw = reinterpret_cast<std::uintptr_t>(mapped_);
  begin_ = reinterpret_cast<std::byte*>((raw + kHugePage - 1) / kHugePage * kHugePage);
  const bool advised = madvise(begin_, size_, MADV_HUGEPAGE) == 0;
  std::memset(begin_, 0, size_);
  huge_share_ = advised ? std::min(1.0, static_cast<double>(transparent_huge_bytes(begin_)) /
                                            static_cast<double>(size_))
                        : 0;
  backing_ = "thp " + std::to_string(static_cast<int>(huge_share_ * 100)) + "%";
}

HugeMemory::~HugeMemory() {
  munmap(mapped_, mapped_bytes_);
}

}  // namespace edgesentry::perf
