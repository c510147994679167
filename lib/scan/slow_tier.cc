#include "scan/slow_tier.h"

#include <algorithm>

namespace edgesentry::scan {

namespace {

// 0: of a time that no longer counts.
std::uint64_t held_against(const SlowRecord& record, std::uint32_t now_s,
                           std::uint64_t window_s) noexcept {
  const std::uint32_t idle = now_s > record.last_seen_s ? now_s - record.last_seen_s : 0;
  if (idle > window_s) return 0;
  const std::uint32_t halvings = std::min(idle / SlowTier::kHalfLife_s, 31u);
  return (weight_of(record) >> halvings) + std::uint64_t{1};
}

}  // namespace

std::size_t SlowTier::find(const SourceKey& key) const noexcept {
  const std::size_t first = first_way(key.tag);
  for (std::size_t way = first; way < first + kWays; ++way) {
    if (index_[way] != mark_of(key.tag)) continue;
    const SlowRecord& record = records_[way];
    if (record.tag == key.tag && record.home == key.home && record.is_ipv6 == key.ipv6) return way;
  }
  return kNone;
}

std::optional<SlowRecord> SlowTier::take(const SourceKey& key) noexcept {
  if (count_ == 0) return std::nullopt;
  const std::size_t way = find(key);
  if (way == kNone) return std::nullopt;
  index_[way] = 0;
  --count_;
  return records_[way];
}

bool SlowTier::put(const SlowRecord& record, base::Micros now, base::Micros window) noexcept {
  if (records_.empty()) return false;
  const auto now_s = static_cast<std::uint32_t>(now.value / 1'000'000);
  const std::uint64_t window_s = window.value / 1'000'000;
  const std::size_t first = first_way(record.tag);
  std::size_t place = find({.tag = record.tag, .home = record.home, .ipv6 = record.is_ipv6 != 0});
  std::uint64_t least = 0;
  for (std::size_t way = first; place == kNone && way < first + kWays; ++way)
    if (index_[way] == 0) place = way;
  if (place == kNone) {
    // What is held in the upper half, the time of the last packet in the lower one.
    least = ~std::uint64_t{0};
    for (std::size_t way = first; way < first + kWays; ++way) {
      const std::uint64_t held = held_against(records_[way], now_s, window_s);
      const std::uint64_t cost = held << 32 | records_[way].last_seen_s;
      if (cost < least) {
        least = cost;
        place = way;
      }
    }
    if (least >> 32 > held_against(record, now_s, window_s)) return false;
  }
  count_ += index_[place] == 0;
  index_[place] = mark_of(record.tag);
  records_[place] = record;
  return true;
}

}  // namespace edgesentry::scan
