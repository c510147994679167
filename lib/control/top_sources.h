// The sources with the most probes, kept up to date alert by alert, so that `top` never walks the
// ledger. One comparison for an alert that changes nothing.
// Owner: the control thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/ip.h"

namespace edgesentry::control {

class TopSources {
 public:
  static constexpr std::size_t kMax = 100;
  struct Row {
    base::Ip source;  // the ledger's key
    std::uint32_t probes = 0;
  };

  void see(const base::Ip& source, std::uint32_t probes) {
    if (count_ == kMax && probes <= least_) return;
    const auto end = rows_.begin() + static_cast<std::ptrdiff_t>(count_);
    auto at =
        std::find_if(rows_.begin(), end, [&](const Row& row) { return row.source == source; });
    if (at == end) {
      if (count_ < kMax) {
        ++count_;
      } else {
        at = std::min_element(rows_.begin(), end, fewer);
      }
      *at = {source, probes};
    }
    at->probes = std::max(at->probes, probes);
    if (count_ == kMax) least_ = std::min_element(rows_.begin(), rows_.end(), fewer)->probes;
  }

  // Those that the predicate no longer wants make room; the rest comes sorted, most probes first.
  template <class IsWanted>
  std::span<const Row> sorted(IsWanted is_wanted) {
    const auto end = rows_.begin() + static_cast<std::ptrdiff_t>(count_);
    const auto kept =
        std::remove_if(rows_.begin(), end, [&](const Row& row) { return !is_wanted(row.source); });
    count_ = static_cast<std::size_t>(kept - rows_.begin());
    std::sort(rows_.begin(), kept, [](const Row& a, const Row& b) { return fewer(b, a); });
    return {rows_.data(), count_};
  }

 private:
  static bool fewer(const Row& a, const Row& b) noexcept { return a.probes < b.probes; }

  std::array<Row, kMax> rows_;
  std::size_t count_ = 0;
  std::uint32_t least_ = 0;
};

}  // namespace edgesentry::control
