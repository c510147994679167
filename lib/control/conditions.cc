#include "control/conditions.h"

#include <fmt/format.h>

#include <utility>

namespace edgesentry::control {

base::Micros quiet_time_of(Condition condition) noexcept {
  switch (condition) {
    case Condition::control_stalled:
    case Condition::worker_stalled:
    case Condition::disk_full:
    case Condition::filter_down:
      return base::seconds(1);  // it was seen to work again
    case Condition::link_down:
      return base::seconds(2);  // links bounce
    default:
      return base::seconds(5);  // a want that is filled may come again with the next burst
  }
}

Conditions::Conditions(const Actions& actions, Say say) : actions_(actions), say_(std::move(say)) {}

void Conditions::look(Condition condition, bool is_seen, std::string_view what, base::Micros now) {
  State& state = states_[index(condition)];
  Counters& counters = counters_[index(condition)];
  const std::string_view name = kConditionNames[index(condition)];
  const bool was_active = counters.active.value() != 0;
  if (is_seen) {
    state.seen = now;
    if (was_active && state.what == what) return;
    {
      const std::lock_guard lock(mutex_);
      state.what = what;
      if (!was_active) state.began = now;
    }
    if (was_active) return;
    counters.total.add(1);
    counters.active.set(1);
    if (say_)
      say_(fmt::format("failure {}: {} (failure.{} = {})", name, what, name,
                       actions_[index(condition)]));
    return;
  }
  if (!was_active || base::elapsed(state.seen, now) < quiet_time_of(condition)) return;
  counters.active.set(0);
  if (say_)
    say_(fmt::format("failure {} is over after {} s: {}", name,
                     base::elapsed(state.began, now).value / 1'000'000, state.what));
}

std::vector<Conditions::View> Conditions::view() const {
  std::vector<View> rows;
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < states_.size(); ++i)
    rows.push_back({.name = kConditionNames[i],
                    .action = actions_[i],
                    .is_active = counters_[i].active.value() != 0,
                    .total = counters_[i].total.value(),
                    .what = states_[i].what,
                    .began = states_[i].began});
  return rows;
}

}  // namespace edgesentry::control
