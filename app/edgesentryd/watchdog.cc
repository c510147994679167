#include "edgesentryd/watchdog.h"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <utility>

namespace edgesentry::appliance {
namespace {

constexpr base::Micros kStandsAfter = base::seconds(2);

}  // namespace

Watchdog::Watchdog(std::span<const scan::Tally* const> workers, const control::Numbers& control,
                   Say say)
    : workers_(workers), control_(control), say_(std::move(say)) {
  for (std::size_t i = 0; i < workers.size(); ++i) looked_.push_back({fmt::format("worker {}", i)});
  looked_.push_back({"the control thread"});
  std::uint64_t limit_us = 0;
  if (::sd_watchdog_enabled(0, &limit_us) > 0)
    pause_ = std::clamp(std::chrono::milliseconds(limit_us / 2000), std::chrono::milliseconds(10),
                        pause_);
}

void Watchdog::ready(const std::string& status) const {
  ::sd_notify(0, ("READY=1\nSTATUS=" + status).c_str());
}

void Watchdog::stopping() const {
  ::sd_notify(0, "STOPPING=1");
}

void Watchdog::look(base::Micros now) {
  for (std::size_t i = 0; i < workers_.size(); ++i)
    look_at(looked_[i], {workers_[i]->heartbeat.value()}, now);
  look_at(looked_.back(), {control_.heartbeat.value()}, now);
  if (std::ranges::none_of(looked_, &Looked::stands)) ::sd_notify(0, "WATCHDOG=1");
}

void Watchdog::look_at(Looked& looked, base::Micros last, base::Micros now) {
  const bool stands = base::elapsed(last, now) > kStandsAfter;
  if (stands == std::exchange(looked.stands, stands)) return;
  say_(stands ? fmt::format("{} has not been round for {} s: its core is taken, or what it waits "
                            "for hangs",
                            looked.name, kStandsAfter.value / 1'000'000)
              : looked.name + " goes round again");
}

}  // namespace edgesentry::appliance
