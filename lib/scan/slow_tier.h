// Between the tiers: the evidence of suspects that lost their exact record to others and are not
// decided. A scanner that waits for minutes between two probes is known when it comes back.
//
// Plain memory of one worker, given at the start: records of 64 bytes in sets of four, chosen by
// the keyed tag, and two bytes each of an index that says "not here" without a cache miss. When a
// set is full, the source with the least held against it gives way, of equals the one unseen for
// longest, and never to a newcomer with less. What is held against a quiet source halves every two
// hours for that purpose, so forged sources keep nobody out for long once they stop coming; what
// was not seen for a whole window is nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/units.h"
#include "scan/slow_record.h"
#include "scan/source_key.h"

namespace edgesentry::scan {

class SlowTier {
 public:
  static constexpr std::size_t kWays = 4;
  static constexpr std::uint32_t kHalfLife_s = 2 * 3600;

  SlowTier() = default;
  // A power of two of zeroed records, at least kWays, and as many zeroed index entries.
  SlowTier(std::span<SlowRecord> records, std::span<std::uint16_t> index) noexcept
      : records_(records), index_(index) {}

  // False: certainly not here. Asked for each new source, so it touches the index alone.
  [[nodiscard]] bool may_know(std::uint32_t tag) const noexcept {
    if (count_ == 0) return false;
    const std::size_t first = first_way(tag);
    bool found = false;
    for (std::size_t way = first; way < first + kWays; ++way) found |= index_[way] == mark_of(tag);
    return found;
  }
  // put() will be called for a source of this tag. A set is four lines.
  void prefetch(std::uint32_t tag) const noexcept {
    if (records_.empty()) return;
    const std::size_t first = first_way(tag);
    __builtin_prefetch(&index_[first]);
    for (std::size_t way = first; way < first + kWays; ++way) __builtin_prefetch(&records_[way], 1);
  }
  [[nodiscard]] bool knows(const SourceKey& key) const noexcept { return find(key) != kNone; }
  // The record of the source, which is then no longer here.
  [[nodiscard]] std::optional<SlowRecord> take(const SourceKey& key) noexcept;
  // False: everybody who could give way is worse.
  bool put(const SlowRecord& record, base::Micros now, base::Micros window) noexcept;
  [[nodiscard]] std::uint32_t size() const noexcept { return count_; }

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};
  // The set comes from the tag's lower bits, the mark from its upper ones; 0 is a free place.
  [[nodiscard]] std::size_t first_way(std::uint32_t tag) const noexcept {
    return tag * kWays & (records_.size() - 1);
  }
  [[nodiscard]] static std::uint16_t mark_of(std::uint32_t tag) noexcept {
    return static_cast<std::uint16_t>(tag >> 16 | 1);
  }
  [[nodiscard]] std::size_t find(const SourceKey& key) const noexcept;

  std::span<SlowRecord> records_;
  std::span<std::uint16_t> index_;
  std::uint32_t count_ = 0;
};

}  // namespace edgesentry::scan
