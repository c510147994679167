// An entry of the ledger as the commands show it. Control thread only.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "control/state.h"
#include "policy/ledger.h"

namespace edgesentry::control {

[[nodiscard]] std::string_view standing_name(policy::Standing standing) noexcept;

// Source, standing, times, offences, and the evidence in numbers.
[[nodiscard]] nlohmann::json source_view(const ControlState& state, const policy::Entry& entry);

// First ports and targets beside the counts.
[[nodiscard]] nlohmann::json evidence_view(const ControlState& state, const scan::Alert& alert);

}  // namespace edgesentry::control
