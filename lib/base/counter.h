// A number with one writer and any number of readers; the building block of every metric.
//
// The owner adds with a plain load and store (no locked instruction); readers may be a few
// additions behind but never see a torn value. Counters of different writers must not share a
// cache line: align the struct that holds them.
#pragma once

#include <atomic>
#include <cstdint>

namespace edgesentry::base {

class Counter {
 public:
  // Owner thread only.
  void add(std::uint64_t n) noexcept {
    // Relaxed: the value orders nothing else; its partner is value() below.
    count_.store(count_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  // Owner thread only; for gauges such as "entries in use".
  void set(std::uint64_t n) noexcept { count_.store(n, std::memory_order_relaxed); }

  // Any thread.
  [[nodiscard]] std::uint64_t value() const noexcept {
    return count_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> count_{0};
};

}  // namespace edgesentry::base
