// On which kernel interfaces XDP is to drop for us. Pure function; any thread.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace edgesentry::config {

// Empty: on none. Each interface once.
[[nodiscard]] std::vector<std::string> xdp_interfaces(const Config& config);

}  // namespace edgesentry::config
