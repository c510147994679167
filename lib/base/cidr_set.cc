// Prefixes become sorted, disjoint ranges; see the header for who reads them.
#include "base/cidr_set.h"

#include <algorithm>
#include <limits>

namespace edgesentry::base {

namespace {

std::uint32_t last_v4(const Prefix& prefix) {
  const std::uint32_t first = prefix.address().v4_value();
  // A shift by 32 is undefined, so /32 is its own case.
  if (prefix.length() == 32) return first;
  return first | (std::numeric_limits<std::uint32_t>::max() >> prefix.length());
}

Ip last_v6(const Prefix& prefix) {
  auto bytes = prefix.address().bytes();
  for (unsigned bit = prefix.length(); bit < 128; ++bit)
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] | 0x80u >> (bit % 8));
  return Ip::from_bytes(bytes);
}

template <class Range>
void sort_and_merge(std::vector<Range>& ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return a.first < b.first; });
  std::vector<Range> merged;
  merged.reserve(ranges.size());
  for (const Range& range : ranges) {
    if (merged.empty() || merged.back().last < range.first)
      merged.push_back(range);
    else if (merged.back().last < range.last)
      merged.back().last = range.last;
  }
  merged.shrink_to_fit();
  ranges = std::move(merged);
}

template <class Range, class Key>
bool holds(const std::vector<Range>& ranges, const Key& key) noexcept {
  auto after = std::upper_bound(ranges.begin(), ranges.end(), key,
                                [](const Key& k, const Range& range) { return k < range.first; });
  return after != ranges.begin() && !(std::prev(after)->last < key);
}

}  // namespace

CidrSet::CidrSet(std::span<const Prefix> prefixes) {
  for (const Prefix& prefix : prefixes) {
    if (prefix.address().is_v4())
      v4_.push_back({prefix.address().v4_value(), last_v4(prefix)});
    else
      v6_.push_back({prefix.address(), last_v6(prefix)});
  }
  sort_and_merge(v4_);
  sort_and_merge(v6_);
}

bool CidrSet::contains_v4(std::uint32_t address) const noexcept {
  return holds(v4_, address);
}

bool CidrSet::contains_v6(const Ip& ip) const noexcept {
  return holds(v6_, ip);
}

}  // namespace edgesentry::base
