// Places workers on lcores, launches them, watches their heartbeats, joins them.
//
// Owner: the main thread (DPDK's main lcore), which only waits for signals meanwhile. The control
// thread is a plain std::thread on the CPUs that the main lcore has.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "plane/worker.h"

namespace edgesentry::plane {

class Lcores {
 public:
  Lcores() = default;
  ~Lcores();  // join()s
  Lcores(const Lcores&) = delete;
  Lcores& operator=(const Lcores&) = delete;

  // Worker i runs on lcores[i] from now on. On failure those already running are joined.
  base::Status launch(std::span<const std::unique_ptr<Worker>> workers,
                      std::span<const std::uint32_t> lcores);
  // Raises the stop signal, waits for every worker, ends what is on the way between them.
  void join() noexcept;
  // The same, but returns the numbers of the workers that have not come back within the limit, and
  // leaves everything as it is then.
  [[nodiscard]] std::vector<std::uint16_t> join(std::chrono::milliseconds limit);

 private:
  struct Place {
    Worker* worker;
    std::uint32_t lcore;
    const std::atomic<bool>* stop;
  };
  static int enter(void* place);

  alignas(base::kCacheLine) std::atomic<bool> stop_{false};
  std::vector<Place> places_;  // fixed while workers run: they hold pointers into it
};

}  // namespace edgesentry::plane
