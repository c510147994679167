// What stands behind the rows of the command table; each takes a request whose members are known
// but not yet checked. Control thread only.
#pragma once

#include <nlohmann/json.hpp>

namespace edgesentry::control {

struct ControlState;

// Change something: commands_change.cc.
[[nodiscard]] nlohmann::json block_source(ControlState& state, const nlohmann::json& request);
[[nodiscard]] nlohmann::json unblock_source(ControlState& state, const nlohmann::json& request);
[[nodiscard]] nlohmann::json allow_prefix(ControlState& state, const nlohmann::json& request);
[[nodiscard]] nlohmann::json switch_bypass(ControlState& state, const nlohmann::json& request);
[[nodiscard]] nlohmann::json unallow_prefix(ControlState& state, const nlohmann::json& request);

// The same for many at once, all or none: commands_bulk.cc.
[[nodiscard]] nlohmann::json block_many(ControlState& state, const nlohmann::json& request);
[[nodiscard]] nlohmann::json unblock_many(ControlState& state, const nlohmann::json& request);

// Look through lists: commands_list.cc.
[[nodiscard]] nlohmann::json show_blocked(ControlState& state, const nlohmann::json& request);
[[nodiscard]] nlohmann::json show_allowed(ControlState& state, const nlohmann::json& request);
[[nodiscard]] nlohmann::json show_events(ControlState& state, const nlohmann::json& request);

// What a reload would do: reloading.cc.
[[nodiscard]] nlohmann::json check_config(ControlState& state, const nlohmann::json& request);

// Show something: commands_show.cc.
[[nodiscard]] nlohmann::json show_status(ControlState& state, const nlohmann::json& request);
[[nodiscard]] nlohmann::json show_top(ControlState& state, const nlohmann::json& request);

// Look for events of earlier days: history.cc. null: the answer comes later.
[[nodiscard]] nlohmann::json show_history(ControlState& state, const nlohmann::json& request);

// Tell the story of one source: explain.cc.
[[nodiscard]] nlohmann::json explain_source(ControlState& state, const nlohmann::json& request);

}  // namespace edgesentry::control
