// Faults that can be switched on to try out what is done about them. Each acts where the real one
// would, so that what follows is the true handling. All off, and nobody to switch them on, unless
// the appliance was started with --faults.
//
// Any thread switches; the control thread looks once a round.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <span>

#include "control/clock.h"
#include "enforce/enforcer.h"
#include "policy/ledger.h"

namespace edgesentry::control {

struct FaultSwitches {
  std::atomic<bool> leaves_alerts{false};       // rings from the workers are not drained, and fill
  std::atomic<bool> stands_still{false};        // the control thread hangs at the start of a round
  std::atomic<bool> fills_table{false};         // no block more than there are
  std::atomic<bool> fills_rules{false};         // no element more in the kernel than there are
  std::atomic<std::int64_t> wall_offset_us{0};  // the wall clock was set by so much
};

// At the start of a round, before the heartbeat.
void suffer(const FaultSwitches& faults, policy::Ledger& ledger,
            std::span<enforce::Enforcer* const> enforcers);

// The system's clock, set by the switch.
class SwitchedClock final : public Clock {
 public:
  explicit SwitchedClock(const FaultSwitches& faults) : faults_(faults) {}
  [[nodiscard]] base::Micros monotonic() const noexcept override { return base::monotonic_now(); }
  [[nodiscard]] WallTime wall() const noexcept override {
    return std::chrono::system_clock::now() +
           std::chrono::microseconds(faults_.wall_offset_us.load(std::memory_order_relaxed));
  }

 private:
  const FaultSwitches& faults_;
};

}  // namespace edgesentry::control
