// Quantities that could be swapped by mistake are types of their own; no conversions to or from
// bare integers happen by themselves.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace edgesentry::base {

template <class Tag, class Rep>
struct Strong {
  Rep value{};
  friend constexpr auto operator<=>(Strong, Strong) = default;
};

// Microseconds on one monotonic axis. Live: CLOCK_MONOTONIC. Replay: the capture's own timestamps.
// Detectors get it as an argument, once per burst, and never read a clock themselves.
struct Micros {
  std::uint64_t value{};
  friend constexpr auto operator<=>(Micros, Micros) = default;
  friend constexpr Micros operator+(Micros a, Micros b) { return {a.value + b.value}; }
};

// The time from `earlier` to `later`, 0 where the order is the other way round (captures have
// records out of order, and clocks of cores may differ by a few cycles).
constexpr Micros elapsed(Micros earlier, Micros later) {
  return {later.value > earlier.value ? later.value - earlier.value : 0};
}

constexpr Micros seconds(std::uint64_t count) {
  return {count * 1'000'000};
}
constexpr Micros milliseconds(std::uint64_t count) {
  return {count * 1'000};
}

using WorkerId = Strong<struct WorkerIdTag, std::uint16_t>;

inline constexpr std::size_t kCacheLine = 64;

}  // namespace edgesentry::base
