// The exact set of sources that one worker drops, whatever tier 1 has room for: a source that tier
// 1 forgot is found here when it comes back, and IPv6 verdicts are confirmed here.
//
// Open addressing with linear probing over memory given at start, at most half full, deletion by
// shifting back, so no tombstones. Owner: one thread. Hash keyed, see source_key.h.
#pragma once

#include <cstdint>
#include <span>

#include "base/ip.h"
#include "scan/source_key.h"

namespace edgesentry::scan {

class DropSet {
 public:
  struct Slot {
    base::Ip source;
    std::uint32_t home;
    std::uint32_t used;
  };
  static_assert(sizeof(Slot) == 24);

  DropSet() = default;
  // A power of two of zeroed slots, twice the sources to hold.
  explicit DropSet(std::span<Slot> slots) noexcept
      : slots_(slots), mask_(static_cast<std::uint32_t>(slots.size()) - 1) {}

  // False: full (the source stays blocked only as long as tier 1 remembers it). `source` is
  // canonical.
  bool insert(const base::Ip& source, std::uint32_t home) noexcept;
  bool erase(const base::Ip& source, std::uint32_t home) noexcept;
  [[nodiscard]] bool contains(const base::Ip& source, std::uint32_t home) const noexcept {
    return count_ != 0 && find(source, home) != kNone;
  }
  // contains() will be asked about it.
  void prefetch(std::uint32_t home) const noexcept { __builtin_prefetch(&slots_[start_of(home)]); }
  [[nodiscard]] std::uint32_t size() const noexcept { return count_; }

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  [[nodiscard]] std::uint32_t start_of(std::uint32_t home) const noexcept {
    return (home * 0x9e3779b1u >> 7 ^ home) & mask_;
  }
  [[nodiscard]] std::uint32_t find(const base::Ip& source, std::uint32_t home) const noexcept;

  std::span<Slot> slots_;
  std::uint32_t mask_ = 0;
  std::uint32_t count_ = 0;
};

}  // namespace edgesentry::scan
