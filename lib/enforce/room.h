// What an enforcer of limited size holds, and what waits for room in it.
//
// Owner: the control thread. Without a limit nothing waits. One is learned when the other end
// refuses for want of room, and forgotten after a while, to see whether there is more by now.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <unordered_set>

#include "base/ip.h"

namespace edgesentry::enforce {

class Room {
 public:
  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

  void limit(std::uint64_t sources) noexcept { limit_ = sources; }
  [[nodiscard]] bool is_limited() const noexcept { return limit_ != kUnlimited; }
  [[nodiscard]] std::uint64_t waiting() const noexcept { return waiting_.size(); }
  [[nodiscard]] bool is_full() const noexcept { return !waiting_.empty(); }
  // How many of so many blocks are in it.
  [[nodiscard]] std::uint64_t held(std::uint64_t blocked) const noexcept {
    return blocked - std::min<std::uint64_t>(blocked, waiting_.size());
  }

  // True: this source, one of `blocked`, has its place. False: it waits.
  bool take(const base::Ip& source, std::uint64_t blocked) {
    const bool waits = waiting_.contains(source);
    const std::uint64_t others = held(blocked) - (waits || held(blocked) == 0 ? 0 : 1);
    if (others < limit_) {
      waiting_.erase(source);
      return true;
    }
    waiting_.insert(source);
    return false;
  }
  [[nodiscard]] bool waits(const base::Ip& source) const { return waiting_.contains(source); }
  // Its block is over.
  void leave(const base::Ip& source) { waiting_.erase(source); }
  // For how many of those that wait there is room now.
  [[nodiscard]] std::uint64_t free(std::uint64_t blocked) const noexcept {
    return limit_ - std::min(limit_, held(blocked));
  }
  // One that waits, which must be so; it does no longer.
  [[nodiscard]] base::Ip take_first() {
    const base::Ip source = *waiting_.begin();
    waiting_.erase(waiting_.begin());
    return source;
  }

 private:
  std::uint64_t limit_ = kUnlimited;
  std::unordered_set<base::Ip, base::IpHash> waiting_;
};

}  // namespace edgesentry::enforce
