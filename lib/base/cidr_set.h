// An immutable set of CIDR blocks: allow lists, the never-ban set, inside networks.
//
// Built once off the packet path, then read by any thread. contains() is what workers call when a
// detector fires, and per packet in tap mode: sorted disjoint ranges, binary search, no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/ip.h"

namespace edgesentry::base {

class CidrSet {
 public:
  CidrSet() = default;
  explicit CidrSet(std::span<const Prefix> prefixes);

  // The family decides first: ::/0 allows every IPv6 address and no IPv4 one, as in a route table.
  [[nodiscard]] bool contains(const Ip& ip) const noexcept {
    if (!ip.is_v4()) return !v6_.empty() && contains_v6(ip);
    if (v4_.size() > kFew) return contains_v4(ip.v4_value());
    // What most operators have: all of them are compared, without a branch on any.
    const std::uint32_t address = ip.v4_value();
    bool is_in = false;
    for (const Range4& range : v4_) is_in |= address - range.first <= range.last - range.first;
    return is_in;
  }
  [[nodiscard]] bool empty() const noexcept { return v4_.empty() && v6_.empty(); }

  struct Range4 {
    std::uint32_t first, last;
    // Without a branch.
    [[nodiscard]] bool contains(const Ip& ip) const noexcept {
      return ip.is_v4() & (ip.v4_value() - first <= last - first);
    }
  };
  // The whole set where that is one IPv4 range, as it often is; nullptr where it is not.
  [[nodiscard]] const Range4* sole_range() const noexcept {
    return v4_.size() == 1 && v6_.empty() ? v4_.data() : nullptr;
  }

 private:
  static constexpr std::size_t kFew = 4;

  struct Range6 {
    Ip first, last;
  };
  [[nodiscard]] bool contains_v4(std::uint32_t address) const noexcept;
  [[nodiscard]] bool contains_v6(const Ip& ip) const noexcept;

  std::vector<Range4> v4_;
  std::vector<Range6> v6_;
};

}  // namespace edgesentry::base
