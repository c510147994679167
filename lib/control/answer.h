// The control thread's answer to one alert: decide, then enter it in the ledger, order, say.
//
// Events of one source are held back for kQuietPerSource after it was spoken of; the next one says
// how many it stands for. New blocks are always said at once.
#pragma once

#include "base/units.h"
#include "control/state.h"
#include "scan/alert.h"

namespace edgesentry::control {

inline constexpr base::Micros kQuietPerSource = base::seconds(10);

void answer(ControlState& state, const scan::Alert& alert);

}  // namespace edgesentry::control
