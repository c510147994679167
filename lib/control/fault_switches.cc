#include "control/fault_switches.h"

#include <algorithm>
#include <thread>

namespace edgesentry::control {

void suffer(const FaultSwitches& faults, policy::Ledger& ledger,
            std::span<enforce::Enforcer* const> enforcers) {
  constexpr std::chrono::milliseconds kStep{1};
  while (faults.stands_still.load(std::memory_order_relaxed)) std::this_thread::sleep_for(kStep);
  const std::uint32_t present = ledger.blocked() + ledger.shadowed();
  if (!faults.fills_table.load(std::memory_order_relaxed))
    ledger.limit(~std::uint32_t{0});
  else if (ledger.limit() > present)
    ledger.limit(std::max(present, 1u));
  for (enforce::Enforcer* enforcer : enforcers)
    enforcer->limit_to_present(faults.fills_rules.load(std::memory_order_relaxed));
}

}  // namespace edgesentry::control
