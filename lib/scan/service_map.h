// Which (target, port) has answered lately: the oracle that tells an attempt that must fail from a
// client whose service is down for a moment. Learned from SYN-ACKs and UDP replies; a learned
// service needs no exclusion list. Direct-mapped and lossy: forgetting only delays a decision.
// Owner: one thread.
#pragma once

#include <cstdint>
#include <span>

#include "base/units.h"
#include "scan/sighting.h"
#include "scan/touch.h"

namespace edgesentry::scan {

class ServiceMap {
 public:
  struct Entry {
    std::uint32_t tag;
    std::uint16_t seen;
    std::uint16_t used;
  };
  static constexpr std::size_t kEntries = 1u << 14;  // 128 KiB

  ServiceMap() = default;
  ServiceMap(std::span<Entry> entries, std::uint64_t key) noexcept : entries_(entries), key_(key) {}

  void learn(std::uint32_t target, std::uint16_t port, PortClass c, base::Micros now) noexcept {
    const std::uint64_t hash = hash_of(target, port, c);
    entries_[hash % kEntries] = {static_cast<std::uint32_t>(hash >> 32), coarse(now), 1};
  }
  [[nodiscard]] bool is_live(std::uint32_t target, std::uint16_t port, PortClass c) const noexcept {
    const std::uint64_t hash = hash_of(target, port, c);
    const Entry& entry = entries_[hash % kEntries];
    return entry.used != 0 && entry.tag == static_cast<std::uint32_t>(hash >> 32);
  }

 private:
  [[nodiscard]] std::uint64_t hash_of(std::uint32_t target, std::uint16_t port,
                                      PortClass c) const noexcept {
    const std::uint64_t word =
        std::uint64_t{target} << 24 | std::uint64_t{port} << 8 | static_cast<std::uint64_t>(c);
    return folded_multiply(word ^ key_, 0x9e3779b97f4a7c15ull);
  }

  std::span<Entry> entries_;
  std::uint64_t key_ = 0;
};

}  // namespace edgesentry::scan
