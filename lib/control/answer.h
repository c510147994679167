// The control thread's answer to one alert: decide, then enter it in the ledger, order, say.
//
// Events of one source are held back for kQuietPerSource after it was spoken of; the next one says
// how many it stands for. New blocks are always said at once.
#pragma once

#include <cstddef>

#include "base/units.h"
#include "control/state.h"
#include "scan/alert.h"

namespace edgesentry::control {

inline constexpr base::Micros kQuietPerSource = base::seconds(10);

void answer(ControlState& state, const scan::Alert& alert);
// What waited for others that may share its probes, policy/decoys.h; at most `count_max` of them.
// With `all`, also what has not waited long enough: there is no later. False: some is left.
bool answer_waiting(ControlState& state, std::size_t count_max, bool all = false);

}  // namespace edgesentry::control
