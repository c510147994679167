// What enforcers beside the workers tell of themselves, into the numbers that metrics read. Control
// thread, once a round.
#pragma once

#include <span>

#include "control/numbers.h"
#include "enforce/enforcer.h"

namespace edgesentry::control {

void show_enforcers(std::span<const enforce::Enforcer* const> enforcers, Numbers& numbers);

}  // namespace edgesentry::control
