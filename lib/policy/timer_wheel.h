// Deadlines of slots, exact to the microsecond: a hierarchical timer wheel (Varghese and Lauck,
// SOSP 1987, scheme 7) of 11 levels with 64 buckets each, so any 64-bit time fits and an empty
// stretch of time is skipped by looking at one occupancy word a level.
//
// set, cancel: O(1). A slot moves down at most once per level before it fires. take_due() does at
// most the given number of steps, and goes on where it stopped.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/units.h"
#include "policy/slot_list.h"

namespace edgesentry::policy {

class TimerWheel {
 public:
  TimerWheel();

  void grow(std::uint32_t slots);
  // A deadline in the past is due at once. The slot must not be armed.
  void set(std::uint32_t slot, base::Micros deadline);
  void cancel(std::uint32_t slot);
  [[nodiscard]] bool is_armed(std::uint32_t slot) const noexcept {
    return places_[slot].bucket != kNowhere;
  }

  // The next slot whose deadline is at or before `now`, disarmed; nullopt when there is none, or
  // when `steps` (counted down) reached 0.
  std::optional<std::uint32_t> take_due(base::Micros now, std::uint32_t& steps);

  // A slot whose deadline is among the earliest, for which `is_fit` holds: of the first bucket
  // that has one, looking at no more than `steps` slots. Exact where these are enough.
  template <class Fit>
  [[nodiscard]] std::optional<std::uint32_t> earliest(std::uint32_t steps, Fit&& is_fit) const {
    std::optional<std::uint32_t> best;
    for (unsigned level = 0; level < kLevels; ++level) {
      for (std::uint64_t left = occupied_[level]; left != 0; left &= left - 1) {
        const auto bucket = static_cast<unsigned>(std::countr_zero(left));
        for (std::uint32_t slot = heads_[level * kBuckets + bucket]; slot != kNoSlot;
             slot = places_[slot].after) {
          if (steps == 0) return best;
          --steps;
          if (!is_fit(slot)) continue;
          if (!best || places_[slot].deadline < places_[*best].deadline) best = slot;
        }
        if (best) return best;  // later buckets are later
      }
    }
    return best;
  }

 private:
  static constexpr unsigned kBits = 6;
  static constexpr unsigned kBuckets = 1u << kBits;
  static constexpr unsigned kLevels = 11;  // 11 x 6 bits cover 64
  static constexpr std::uint16_t kNowhere = 0xffff;

  struct Place {
    base::Micros deadline;
    std::uint32_t before = kNoSlot;
    std::uint32_t after = kNoSlot;
    std::uint16_t bucket = kNowhere;
  };
  struct NextBucket {
    unsigned level, bucket;
    std::uint64_t start;
  };

  [[nodiscard]] std::optional<NextBucket> next_bucket() const noexcept;
  void link(std::uint32_t slot);
  void unlink(std::uint32_t slot);

  std::uint64_t time_ = 0;  // everything before it has been moved down or taken
  std::array<std::uint64_t, kLevels> occupied_{};
  std::array<std::uint32_t, kLevels * kBuckets> heads_;
  std::vector<Place> places_;
};

}  // namespace edgesentry::policy
