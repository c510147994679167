#include "plane/lcores.h"

#include <fmt/format.h>
#include <rte_errno.h>
#include <rte_launch.h>

#include <thread>

namespace edgesentry::plane {

Lcores::~Lcores() {
  join();
}

base::Status Lcores::launch(std::span<const std::unique_ptr<Worker>> workers,
                            std::span<const std::uint32_t> lcores) {
  EDGESENTRY_CHECK(places_.empty(), "workers are launched once");
  if (lcores.size() < workers.size())
    return base::Error{fmt::format(
        "{} workers need {} cores beside the main one, but EAL was given {}: change -l/--lcores, "
        "or leave cores to [workers]",
        workers.size(), workers.size(), lcores.size())};
  for (std::size_t i = 0; i < workers.size(); ++i)
    places_.push_back({workers[i].get(), lcores[i], &stop_});
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const int code = rte_eal_remote_launch(&Lcores::enter, &places_[i], places_[i].lcore);
    if (code == 0) continue;
    places_.resize(i);
    join();
    return base::Error{
        fmt::format("worker {} cannot start on lcore {}: {}", i, lcores[i], rte_strerror(-code))};
  }
  return {};
}

int Lcores::enter(void* place) {
  const auto* here = static_cast<const Place*>(place);
  here->worker->run(*here->stop);
  return 0;
}

void Lcores::join() noexcept {
  // Relaxed: see Worker::tell(); rte_eal_wait_lcore() orders what the workers wrote.
  stop_.store(true, std::memory_order_relaxed);
  for (const Place& place : places_) rte_eal_wait_lcore(place.lcore);
  for (const Place& place : places_) place.worker->finish();
  places_.clear();
}

std::vector<std::uint16_t> Lcores::join(std::chrono::milliseconds limit) {
  constexpr std::chrono::milliseconds kStep{1};
  stop_.store(true, std::memory_order_relaxed);
  std::vector<std::uint16_t> running;
  const auto until = std::chrono::steady_clock::now() + limit;
  for (;;) {
    running.clear();
    for (std::size_t i = 0; i < places_.size(); ++i)
      if (rte_eal_get_lcore_state(places_[i].lcore) == RUNNING)
        running.push_back(static_cast<std::uint16_t>(i));
    if (running.empty()) join();
    if (running.empty() || std::chrono::steady_clock::now() >= until) return running;
    std::this_thread::sleep_for(kStep);
  }
}

}  // namespace edgesentry::plane
