// From the keys of [detect] and [networks] to what the packet path compares with.
#pragma once

#include "config/config.h"
#include "scan/detection_policy.h"

namespace edgesentry::policy {

[[nodiscard]] scan::DeclaredServices services_of(const config::Networks& networks);
[[nodiscard]] scan::Thresholds thresholds_of(const config::Detect& detect) noexcept;

}  // namespace edgesentry::policy
