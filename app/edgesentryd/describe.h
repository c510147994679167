// What runs here, in a line: for the ready line, the journal and systemd's status.
#pragma once

#include <string>

#include "config/config.h"
#include "edgesentryd/nics.h"
#include "plane/plane.h"

namespace edgesentry::appliance {

[[nodiscard]] std::string describe(const config::Config& config, const Nics& nics,
                                   const plane::Plane& plane);

}  // namespace edgesentry::appliance
