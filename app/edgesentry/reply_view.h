// A reply of the appliance for people: numbers and texts as aligned lines, lists as tables,
// whatever fields this or a later version sends. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace edgesentry::cli {

// `json` is any value; "ok" and "next" at the top are left out. Nesting deeper than eight is shown
// as JSON.
[[nodiscard]] std::string render_reply(const nlohmann::json& json, bool with_colour);

}  // namespace edgesentry::cli
