// An immutable set of CIDR blocks: allow lists, the never-ban set, inside networks.
//
// Built once off the packet path, then read by any thread. contains() is what workers call when a
// detector fires, and per packet in tap mode: sorted disjoint ranges, binary search, no allocation.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/ip.h"

namespace edgesentry::base {

class CidrSet {
 public:
  CidrSet() = default;
  explicit CidrSet(std::span<const Prefix> prefixes);

  [[nodiscard]] bool contains(const Ip& ip) const noexcept;
  [[nodiscard]] bool empty() const noexcept { return v4_.empty() && v6_.empty(); }

 private:
  struct Range4 {
    std::uint32_t first, last;
  };
  struct Range6 {
    Ip first, last;
  };
  std::vector<Range4> v4_;
  std::vector<Range6> v6_;
};

}  // namespace edgesentry::base
