// The part of the metrics that the control thread writes.
#pragma once

#include "control/numbers.h"
#include "serve/families.h"

namespace edgesentry::serve {

void add_control_metrics(Families& out, const control::Numbers& numbers);

}  // namespace edgesentry::serve
