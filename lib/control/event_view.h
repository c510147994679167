// An event as the commands and the stream of live events show it. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

#include "report/event.h"

namespace edgesentry::control {

[[nodiscard]] nlohmann::json event_view(std::uint64_t number, const report::Event& event);

}  // namespace edgesentry::control
