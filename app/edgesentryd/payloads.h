// The patterns that workers look into packets with, as [payload] names them. Owned by main, at
// start.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "config/config.h"
#include "signature/database.h"

namespace edgesentry::appliance {

// nullptr: payloads are left alone, by configuration or for want of a file, which is said. The
// error has a line for each fault of the file, as `edgesentry check` prints them.
[[nodiscard]] base::Result<std::shared_ptr<const signature::Database>> open_patterns(
    const config::Payload& payload, const std::function<void(std::string_view)>& say);

}  // namespace edgesentry::appliance
