// What every benchmark here prints: million items a second, TSC cycles per item, and a checksum of
// the work, so that two runs can be seen to have done the same and the compiler must have done it.
//
// Time is the thread's own CPU time, in units of TSC cycles: what another process takes of the core
// in between is not counted (its traces in the caches are).
#pragma once

#include <benchmark/benchmark.h>
#include <time.h>

#include <cstdint>

#include "base/clock.h"

namespace edgesentry::perf {

inline double tsc_mhz() {
  static const double mhz = static_cast<double>(base::TscClock::calibrate().hz()) / 1e6;
  return mhz;
}

// A system call of about 0.2 us: read it around rounds of thousands of packets.
inline double thread_cycles() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3) *
         tsc_mhz();
}

class Meter {
 public:
  explicit Meter(benchmark::State& state) : state_(state), begin_(thread_cycles()) {}

  // Call once, behind the loop. `spent_elsewhere` are cycles per item of the harness itself, which
  // were measured apart and are taken off.
  void finish(std::uint64_t items, std::uint64_t checksum, double spent_elsewhere = 0) {
    const double per_item = (thread_cycles() - begin_) / static_cast<double>(items);
    const double net = per_item - spent_elsewhere;
    state_.SetItemsProcessed(static_cast<std::int64_t>(items));
    state_.counters["cycles"] = net;
    state_.counters["Mpps"] = tsc_mhz() / net;
    // Doubles hold 53 bits; the fold keeps all of them in it.
    state_.counters["checksum"] = static_cast<double>((checksum ^ checksum >> 32) & 0xffffffff);
    if (spent_elsewhere > 0) state_.counters["harness"] = spent_elsewhere;
  }

 private:
  benchmark::State& state_;
  double begin_;
};

}  // namespace edgesentry::perf
