// Zeroed memory on hugepages for tables of a benchmark: reserved ones where there are any, else
// transparent ones, which are counted afterwards, since the kernel may refuse them silently.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace edgesentry::perf {

class HugeMemory {
 public:
  explicit HugeMemory(std::size_t bytes);
  ~HugeMemory();
  HugeMemory(const HugeMemory&) = delete;
  HugeMemory& operator=(const HugeMemory&) = delete;

  [[nodiscard]] std::span<std::byte> bytes() noexcept { return {begin_, size_}; }
  // "hugetlb", "thp 100%" (how much of it is on huge pages).
  [[nodiscard]] const std::string& backing() const noexcept { return backing_; }
  [[nodiscard]] double huge_share() const noexcept { return huge_share_; }

 private:
  std::byte* begin_ = nullptr;
  std::size_t size_;
  void* mapped_ = nullptr;
  std::size_t mapped_bytes_ = 0;
  std::string backing_;
  double huge_share_ = 0;
};

}  // namespace edgesentry::perf
