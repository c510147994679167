#include "signature/flow_table.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace edgesentry::signature {

FlowTable::FlowTable(std::uint32_t slots)
    : nodes_(std::min(slots, kSlotsMax)),
      buckets_(std::bit_ceil(std::max(std::min(slots, kSlotsMax), 1u)), kNone) {
  for (std::uint32_t slot = 0; slot < size(); ++slot) link_newest(slot);
}

std::uint32_t& FlowTable::bucket(FlowKey key) noexcept {
  return buckets_[key.value & (buckets_.size() - 1)];
}

bool FlowTable::contains(FlowKey key) const noexcept {
  std::uint32_t slot = buckets_[key.value & (buckets_.size() - 1)];
  while (slot != kNone && nodes_[slot].key != key) slot = nodes_[slot].chain;
  return slot != kNone;
}

std::uint32_t FlowTable::find(FlowKey key) noexcept {
  std::uint32_t slot = bucket(key);
  while (slot != kNone && nodes_[slot].key != key) slot = nodes_[slot].chain;
  if (slot != kNone && slot != newest_) {
    unlink(slot);
    link_newest(slot);
  }
  return slot;
}

FlowTable::Claim FlowTable::claim(FlowKey key) noexcept {
  if (nodes_.empty()) return {};
  const std::uint32_t slot = oldest_;
  const bool replaced = nodes_[slot].is_used;
  if (replaced) unchain(slot);
  unlink(slot);
  link_newest(slot);
  used_ += replaced ? 0 : 1;
  std::uint32_t& head = bucket(key);
  nodes_[slot].key = key;
  nodes_[slot].chain = head;
  nodes_[slot].is_used = true;
  head = slot;
  return {slot, replaced};
}

void FlowTable::release(FlowKey key) noexcept {
  const std::uint32_t slot = find(key);
  if (slot == kNone) return;
  unchain(slot);
  unlink(slot);
  link_oldest(slot);
  nodes_[slot].is_used = false;
  --used_;
}

void FlowTable::unchain(std::uint32_t slot) noexcept {
  std::uint32_t* at = &bucket(nodes_[slot].key);
  while (*at != slot) {
    EDGESENTRY_DCHECK(*at != kNone, "a used slot stands in the chain of its key");
    at = &nodes_[*at].chain;
  }
  *at = nodes_[slot].chain;
}

void FlowTable::unlink(std::uint32_t slot) noexcept {
  const Node& node = nodes_[slot];
  (node.older == kNone ? oldest_ : nodes_[node.older].newer) = node.newer;
  (node.newer == kNone ? newest_ : nodes_[node.newer].older) = node.older;
}

void FlowTable::link_newest(std::uint32_t slot) noexcept {
  nodes_[slot].older = newest_;
  nodes_[slot].newer = kNone;
  (newest_ == kNone ? oldest_ : nodes_[newest_].newer) = slot;
  newest_ = slot;
}

void FlowTable::link_oldest(std::uint32_t slot) noexcept {
  nodes_[slot].newer = oldest_;
  nodes_[slot].older = kNone;
  (oldest_ == kNone ? newest_ : nodes_[oldest_].older) = slot;
  oldest_ = slot;
}

}  // namespace edgesentry::signature
