#include "control/enforcer_numbers.h"

namespace edgesentry::control {

namespace {

void show(const enforce::Health& health, KernelNumbers& numbers) {
  numbers.is_used.set(1);
  numbers.is_in_force.set(health.is_in_force ? 1 : 0);
  numbers.sources.set(health.programmed);
  numbers.pending.set(health.pending);
  numbers.failures.set(health.failures);
  numbers.restarts.set(health.restarts);
  numbers.repairs.set(health.repairs);
  numbers.waiting.set(health.waiting);
  numbers.packets.set(health.packets);
}

void show(const enforce::Health& health, RuleNumbers& numbers) {
  numbers.is_used.set(health.is_used ? 1 : 0);
  numbers.is_in_force.set(health.is_in_force ? 1 : 0);
  numbers.sources.set(health.programmed);
  numbers.pending.set(health.pending);
  numbers.wanted.set(health.wanted);
  numbers.capacity.set(health.capacity);
  numbers.ports_refused.set(health.ports_refused);
  numbers.waiting.set(health.waiting);
  numbers.rules.set(health.sent);
  numbers.failures.set(health.failures);
  numbers.repairs.set(health.repairs);
  numbers.packets.set(health.packets);
}

}  // namespace

void show_enforcers(std::span<const enforce::Enforcer* const> enforcers, Numbers& numbers) {
  for (const enforce::Enforcer* enforcer : enforcers)
    if (enforcer->is_kernel())
      show(enforcer->health(), enforcer->name() == "xdp" ? numbers.xdp : numbers.kernel);
    else if (enforcer->name() == "rte_flow")
      show(enforcer->health(), numbers.rules);
}

}  // namespace edgesentry::control
