// Which (target, port) has answered lately: the oracle that tells an attempt that must fail from a
// client whose service is down for a moment. Learned from SYN-ACKs and UDP replies; a learned
// service needs no exclusion list. Direct-mapped and lossy: forgetting only delays a decision.
//
// Any thread, for the workers of a process share one: an answer passes the worker of its client
// only, and what is known of a service must not depend on who was served. A service is written once
// and read from then on, so its line stays in every core's cache. Relaxed order is enough, as an
// entry is one word and nothing else follows from it.
#pragma once

#include <cstdint>
#include <span>

#include "scan/inspect.h"
#include "scan/sighting.h"
#include "scan/touch.h"

namespace edgesentry::scan {

class ServiceMap {
 public:
  using Entry = ServiceEntry;
  static constexpr std::size_t kEntries = kServiceEntries;
  static_assert(Entry::is_always_lock_free && sizeof(Entry) == 8);

  ServiceMap() = default;
  ServiceMap(std::span<Entry> entries, std::uint64_t key) noexcept : entries_(entries), key_(key) {}

  void learn(std::uint32_t target, std::uint16_t port, PortClass c) noexcept {
    const std::uint64_t hash = hash_of(target, port, c);
    Entry& entry = entries_[hash % kEntries];
    if (entry.load(std::memory_order_relaxed) != tag_of(hash))
      entry.store(tag_of(hash), std::memory_order_relaxed);
  }
  [[nodiscard]] bool is_live(std::uint32_t target, std::uint16_t port, PortClass c) const noexcept {
    const std::uint64_t hash = hash_of(target, port, c);
    return entries_[hash % kEntries].load(std::memory_order_relaxed) == tag_of(hash);
  }

 private:
  // What the place does not tell already; never 0.
  [[nodiscard]] static std::uint64_t tag_of(std::uint64_t hash) noexcept { return hash | 1; }
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
