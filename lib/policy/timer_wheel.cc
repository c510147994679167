// A slot stands on the level of the highest 6-bit digit in which its deadline differs from time_;
// see the header for the scheme.
#include "policy/timer_wheel.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace edgesentry::policy {

TimerWheel::TimerWheel() {
  heads_.fill(kNoSlot);
}

void TimerWheel::grow(std::uint32_t slots) {
  places_.resize(std::max<std::size_t>(places_.size(), slots));
}

void TimerWheel::set(std::uint32_t slot, base::Micros deadline) {
  EDGESENTRY_CHECK(!is_armed(slot), "a slot has one deadline");
  places_[slot].deadline = {std::max(deadline.value, time_)};
  link(slot);
}

void TimerWheel::cancel(std::uint32_t slot) {
  EDGESENTRY_CHECK(is_armed(slot), "only an armed slot can be cancelled");
  unlink(slot);
}

void TimerWheel::link(std::uint32_t slot) {
  Place& place = places_[slot];
  const std::uint64_t differs = place.deadline.value ^ time_;
  const unsigned level = differs == 0 ? 0 : (std::bit_width(differs) - 1) / kBits;
  const unsigned bucket = (place.deadline.value >> (level * kBits)) & (kBuckets - 1);
  place.bucket = static_cast<std::uint16_t>(level * kBuckets + bucket);
  place.before = kNoSlot;
  place.after = heads_[place.bucket];
  if (place.after != kNoSlot) places_[place.after].before = slot;
  heads_[place.bucket] = slot;
  occupied_[level] |= std::uint64_t{1} << bucket;
}

void TimerWheel::unlink(std::uint32_t slot) {
  Place& place = places_[slot];
  (place.before == kNoSlot ? heads_[place.bucket] : places_[place.before].after) = place.after;
  if (place.after != kNoSlot) places_[place.after].before = place.before;
  if (heads_[place.bucket] == kNoSlot)
    occupied_[place.bucket / kBuckets] &= ~(std::uint64_t{1} << (place.bucket % kBuckets));
  place.bucket = kNowhere;
}

// A bucket above level 0 that time_ stands in is one whose moving down was interrupted: it comes
// first, since it may hold the earliest deadline. Otherwise lower levels are always earlier.
std::optional<TimerWheel::NextBucket> TimerWheel::next_bucket() const noexcept {
  for (unsigned level = kLevels - 1; level > 0; --level) {
    const unsigned current = (time_ >> (level * kBits)) & (kBuckets - 1);
    if ((occupied_[level] >> current) & 1) return NextBucket{level, current, time_};
  }
  for (unsigned level = 0; level < kLevels; ++level) {
    if (occupied_[level] == 0) continue;
    const auto bucket = static_cast<unsigned>(std::countr_zero(occupied_[level]));
    const unsigned shift = level * kBits;
    const std::uint64_t above =
        shift + kBits >= 64 ? 0 : time_ >> (shift + kBits) << (shift + kBits);
    return NextBucket{level, bucket, above | std::uint64_t{bucket} << shift};
  }
  return std::nullopt;
}

std::optional<std::uint32_t> TimerWheel::take_due(base::Micros now, std::uint32_t& steps) {
  while (steps > 0) {
    const auto next = next_bucket();
    if (!next || next->start > now.value) {
      time_ = std::max(time_, now.value);
      return std::nullopt;
    }
    time_ = next->start;
    --steps;
    const std::uint32_t slot = heads_[next->level * kBuckets + next->bucket];
    unlink(slot);
    if (next->level == 0) return slot;
    link(slot);
  }
  return std::nullopt;
}

}  // namespace edgesentry::policy
