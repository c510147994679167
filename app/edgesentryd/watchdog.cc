#include "edgesentryd/watchdog.h"

#include <systemd/sd-daemon.h>

#include <algorithm>

namespace edgesentry::appliance {

Watchdog::Watchdog(std::span<const scan::Tally* const> workers, const control::Numbers& control,
                   base::Micros stalled_after)
    : workers_(workers),
      control_(control),
      stalled_after_(stalled_after),
      pulses_(workers.size() + 1) {
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
  // Of a longer gap this thread slept through the rest, and so may have the others.
  const base::Micros most{4 * static_cast<std::uint64_t>(pause_.count()) * 1'000};
  const base::Micros passed =
      looked_ == base::Micros{} ? base::Micros{} : std::min(base::elapsed(looked_, now), most);
  looked_ = now;
  for (std::size_t i = 0; i < workers_.size(); ++i)
    feel(pulses_[i], workers_[i]->heartbeat.value(), passed);
  feel(pulses_.back(), control_.heartbeat.value(), passed);
  const auto is_late = [this](const Pulse& pulse) { return stands(pulse.silent); };
  if (std::ranges::none_of(pulses_, is_late)) ::sd_notify(0, "WATCHDOG=1");
}

void Watchdog::feel(Pulse& pulse, std::uint64_t beat, base::Micros passed) const {
  pulse.silent = beat == pulse.beat ? pulse.silent + passed : base::Micros{};
  pulse.beat = beat;
}

}  // namespace edgesentry::appliance
