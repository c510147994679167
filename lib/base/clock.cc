// Calibration of the TSC; see the header for its precision.
#include "base/clock.h"

#include <time.h>

#include "base/check.h"

namespace edgesentry::base {

namespace {

constexpr std::uint64_t kNanosPerSecond = 1'000'000'000;
constexpr std::uint64_t kAxisBegins = 100ull * 365 * 86'400 * kNanosPerSecond;  // before 0
constexpr std::uint64_t kHzMin = 1'000'000;  // below it, the multiplier would not fit 64 bits

std::uint64_t monotonic_nanos() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return kAxisBegins + static_cast<std::uint64_t>(now.tv_sec) * kNanosPerSecond +
         static_cast<std::uint64_t>(now.tv_nsec);
}

struct Moment {
  std::uint64_t tsc;
  std::uint64_t nanos;
};

// The narrowest of a few readings: an interrupt between the two clocks would bend the rate.
Moment read_both() noexcept {
  constexpr int kTries = 8;
  Moment best{};
  std::uint64_t width_best = ~std::uint64_t{0};
  for (int i = 0; i < kTries; ++i) {
    const std::uint64_t before = TscClock::ticks();
    const std::uint64_t nanos = monotonic_nanos();
    const std::uint64_t width = TscClock::ticks() - before;
    if (width >= width_best) continue;
    width_best = width;
    best = {before + width / 2, nanos};
  }
  return best;
}

}  // namespace

Micros monotonic_now() noexcept {
  return {monotonic_nanos() / 1000};
}

TscClock::TscClock(std::uint64_t tsc, Micros now, std::uint64_t hz) noexcept
    : anchor_tsc_(tsc), anchor_(now), hz_(hz), multiplier_(0) {
  EDGESENTRY_CHECK(hz >= kHzMin, "a TSC ticks faster than 1 MHz");
  multiplier_ = static_cast<std::uint64_t>((Wide{1'000'000} << kShift) / hz);
}

TscClock TscClock::calibrate() {
  constexpr timespec kPause{.tv_sec = 0, .tv_nsec = 20'000'000};
  const Moment first = read_both();
  nanosleep(&kPause, nullptr);  // woken early is fine: the time is measured, not assumed
  const Moment last = read_both();
  EDGESENTRY_CHECK(last.nanos > first.nanos && last.tsc > first.tsc, "both clocks run forwards");
  const auto hz = static_cast<std::uint64_t>(Wide{last.tsc - first.tsc} * kNanosPerSecond /
                                             (last.nanos - first.nanos));
  return TscClock(last.tsc, Micros{last.nanos / 1000}, hz);
}

void TscClock::re_anchor() noexcept {
  const Moment moment = read_both();
  anchor_tsc_ = moment.tsc;
  anchor_ = Micros{moment.nanos / 1000};
}

}  // namespace edgesentry::base
