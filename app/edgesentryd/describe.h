// What runs here, in a line: for the ready line, the journal and systemd's status.
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"
#include "edgesentryd/nics.h"
#include "plane/plane.h"

namespace edgesentry::appliance {

[[nodiscard]] std::string describe(const config::Config& config, const Nics& nics,
                                   const plane::Plane& plane);

// Told at the start where neither the kernel nor the appliance drops for this configuration.
inline constexpr std::string_view kWatchesOnly =
    "a tap and a host only watch: blocks are recorded, logged and given to log.block_command, but "
    "no "
    "packet is dropped here";
[[nodiscard]] bool watches_only(const config::Config& config);

}  // namespace edgesentry::appliance
