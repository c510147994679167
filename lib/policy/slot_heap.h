// A binary heap over slot numbers, the least first: a slot is in it at most once, and entering,
// leaving and changing rank are O(log n) wherever it stands. The ranks stay with the caller, who
// passes `is_before(a, b)`, a strict order of slots, and says when one of them changes. Fixed
// memory: sized once for all slots.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/check.h"
#include "policy/slot_list.h"

namespace edgesentry::policy {

class SlotHeap {
 public:
  explicit SlotHeap(std::uint32_t slots) : place_(slots, kNoSlot) { heap_.reserve(slots); }

  [[nodiscard]] bool contains(std::uint32_t slot) const noexcept { return place_[slot] != kNoSlot; }
  [[nodiscard]] std::uint32_t first() const noexcept { return heap_.empty() ? kNoSlot : heap_[0]; }
  [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }

  template <class IsBefore>
  void push(std::uint32_t slot, IsBefore is_before) {
    EDGESENTRY_CHECK(!contains(slot), "a slot is in the heap once");
    place_[slot] = static_cast<std::uint32_t>(heap_.size());
    heap_.push_back(slot);
    sift(slot, is_before);
  }
  template <class IsBefore>
  void erase(std::uint32_t slot, IsBefore is_before) {
    EDGESENTRY_CHECK(contains(slot), "only a member leaves the heap");
    const std::uint32_t last = heap_.back();
    put(last, place_[slot]);
    heap_.pop_back();
    place_[slot] = kNoSlot;
    if (last != slot) sift(last, is_before);
  }
  // After its rank has changed.
  template <class IsBefore>
  void sift(std::uint32_t slot, IsBefore is_before) {
    std::uint32_t at = place_[slot];
    for (; at > 0 && is_before(slot, heap_[(at - 1) / 2]); at = (at - 1) / 2)
      put(heap_[(at - 1) / 2], at);
    for (;;) {
      std::size_t below = 2 * std::size_t{at} + 1;
      if (below >= heap_.size()) break;
      if (below + 1 < heap_.size() && is_before(heap_[below + 1], heap_[below])) ++below;
      if (!is_before(heap_[below], slot)) break;
      put(heap_[below], at);
      at = static_cast<std::uint32_t>(below);
    }
    put(slot, at);
  }

 private:
  void put(std::uint32_t slot, std::uint32_t at) noexcept {
    heap_[at] = slot;
    place_[slot] = at;
  }

  std::vector<std::uint32_t> heap_;
  std::vector<std::uint32_t> place_;  // of each slot in heap_
};

}  // namespace edgesentry::policy
