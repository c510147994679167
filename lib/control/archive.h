// Between the ledger and the file that outlives the process: what of a source is kept, and what a
// start makes of it.
//
// Owner: the control thread; restore() before it runs. The file has the wall clock's time, the
// ledger the monotonic axis: a clock that is set while the appliance is off moves the ends of
// blocks by as much.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ip.h"
#include "policy/ledger.h"
#include "store/keeper.h"
#include "store/record.h"

namespace edgesentry::control {

struct ControlState;

struct Restored {
  std::vector<base::Ip> blocked;  // in force; the workers have to know them before they begin
  std::uint32_t remembered = 0;
  std::uint32_t ended = 0;    // blocks whose time was over, or whose source is allowed now
  std::uint32_t exempt = 0;   // of those the latter
  std::uint32_t waiting = 0;  // not over, and left in the file until a start in enforce mode
  std::uint32_t refused = 0;  // table.blocks has no room for them
  std::uint32_t allowed = 0;  // networks
};

// True: this is kept. Sources that were only reported, and those whose block was no offence, are
// not.
[[nodiscard]] bool is_kept(const policy::Entry& entry) noexcept;
[[nodiscard]] store::Record record_of(const ControlState& state, const policy::Entry& entry);

// All that is kept, for a file that has nothing of it.
[[nodiscard]] store::Everything everything_of(const ControlState& state);

// What an operator has allowed by command.
[[nodiscard]] store::Allowed allowed_of(const ControlState& state);

// What was allowed comes first, then blocks; exemptions bind here too. In observe mode blocks stay
// in the file alone: nobody is kept out, and a start in enforce mode puts them back.
Restored restore(ControlState& state, std::vector<store::Record>&& records,
                 const store::Allowed& allowed);

}  // namespace edgesentry::control
