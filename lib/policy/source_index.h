// Source address to slot number: open addressing, linear probing, backward-shift deletion.
//
// Keyed with random bytes at construction, because attackers choose the addresses and a known hash
// would let them pile up one chain. Sized once for the largest number of entries, at most half
// full. Holds no addresses itself: the caller says which address a slot has.
#pragma once

#include <cstdint>
#include <vector>

#include "base/check.h"
#include "base/ip.h"
#include "policy/slot_list.h"

namespace edgesentry::policy {

class SourceIndex {
 public:
  explicit SourceIndex(std::uint32_t entries_max);

  // address_of(slot) -> const base::Ip&
  template <class AddressOf>
  [[nodiscard]] std::uint32_t find(const base::Ip& key, AddressOf address_of) const noexcept {
    for (std::uint64_t at = home(key);; at = next(at)) {
      const std::uint32_t slot = cells_[at];
      if (slot == kNoSlot || address_of(slot) == key) return slot;
    }
  }

  void insert(const base::Ip& key, std::uint32_t slot) noexcept {
    EDGESENTRY_CHECK(++size_ <= cells_.size() / 2,
                     "the index was sized for every entry there can be");
    std::uint64_t at = home(key);
    while (cells_[at] != kNoSlot) at = next(at);
    cells_[at] = slot;
  }

  template <class AddressOf>
  void erase(const base::Ip& key, AddressOf address_of) noexcept {
    std::uint64_t hole = home(key);
    while (address_of(cells_[hole]) != key) hole = next(hole);
    --size_;
    // Whoever stands behind the hole and would not be found past it moves into it.
    for (std::uint64_t at = next(hole); cells_[at] != kNoSlot; at = next(at)) {
      const std::uint64_t wanted = home(address_of(cells_[at]));
      if (((at - wanted) & mask_) < ((at - hole) & mask_)) continue;
      cells_[hole] = cells_[at];
      hole = at;
    }
    cells_[hole] = kNoSlot;
  }

 private:
  [[nodiscard]] std::uint64_t home(const base::Ip& key) const noexcept;
  [[nodiscard]] std::uint64_t next(std::uint64_t at) const noexcept { return (at + 1) & mask_; }

  std::vector<std::uint32_t> cells_;
  std::uint64_t mask_;
  std::uint64_t key_[2];
  std::uint64_t size_ = 0;
};

}  // namespace edgesentry::policy
