// What enforcers beside the workers tell of themselves, into the numbers that metrics read. Control
// thread, once a round.
#pragma once

#include <span>

#include "control/numbers.h"
#include "enforce/enforcer.h"

namespace edgesentry::control {

// `kernel` is the one of them that is the kernel's packet filter, or nullptr.
void show_enforcers(std::span<const enforce::Enforcer* const> enforcers,
                    const enforce::Enforcer* kernel, Numbers& numbers);

}  // namespace edgesentry::control
