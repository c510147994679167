// From the keys of [detect] to what the packet path compares with.
#pragma once

#include "config/config.h"
#include "scan/detection_policy.h"

namespace edgesentry::policy {

[[nodiscard]] scan::Thresholds thresholds_of(const config::Detect& detect) noexcept;

}  // namespace edgesentry::policy
