// The part of the metrics that the control thread writes.
#pragma once

#include "control/conditions.h"
#include "control/numbers.h"
#include "serve/families.h"
#include "store/event_keeper.h"
#include "store/keeper.h"

namespace edgesentry::serve {

void add_control_metrics(Families& out, const control::Numbers& numbers);
void add_conditions(Families& out, const control::Conditions& conditions);
void add_state_metrics(Families& out, const store::KeeperNumbers& numbers);
void add_history_metrics(Families& out, const store::EventKeeperNumbers& numbers);

}  // namespace edgesentry::serve
