// Doubly linked lists over slot numbers, oldest first: a slot is in at most one list at a time, and
// entering, leaving and taking the oldest are O(1). The links live in one array that grows with the
// slots; nothing else is allocated.
#pragma once

#include <cstdint>
#include <vector>

#include "base/check.h"

namespace edgesentry::policy {

inline constexpr std::uint32_t kNoSlot = ~std::uint32_t{0};

struct SlotLinks {
  struct Link {
    std::uint32_t before = kNoSlot;
    std::uint32_t after = kNoSlot;
  };
  std::vector<Link> links;
};

class SlotList {
 public:
  void push_back(SlotLinks& all, std::uint32_t slot) {
    auto& link = all.links[slot];
    link = {last_, kNoSlot};
    (last_ == kNoSlot ? first_ : all.links[last_].after) = slot;
    last_ = slot;
    ++size_;
  }
  void remove(SlotLinks& all, std::uint32_t slot) {
    EDGESENTRY_CHECK(size_ > 0, "only a member leaves a list");
    const auto link = all.links[slot];
    (link.before == kNoSlot ? first_ : all.links[link.before].after) = link.after;
    (link.after == kNoSlot ? last_ : all.links[link.after].before) = link.before;
    all.links[slot] = {};
    --size_;
  }
  [[nodiscard]] std::uint32_t first() const noexcept { return first_; }
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }

 private:
  std::uint32_t first_ = kNoSlot;
  std::uint32_t last_ = kNoSlot;
  std::uint32_t size_ = 0;
};

}  // namespace edgesentry::policy
