// Requests and replies as text: what a line must look like before a handler sees it. A name that
// stands twice in one object is refused, at any depth. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace edgesentry::serve {

inline constexpr std::size_t kNestingMax = 32;  // printing JSON recurses, so depth is a limit too

// Any JSON of bounded depth.
[[nodiscard]] base::Result<nlohmann::json> parse_json(std::string_view text);

// An object.
[[nodiscard]] base::Result<nlohmann::json> parse_request(std::string_view line);

// {"ok": false, "error": sentence}
[[nodiscard]] std::string error_line(std::string_view sentence);

// Always valid JSON; a reply above the limit becomes an error that says so.
[[nodiscard]] std::string reply_line(const nlohmann::json& reply, std::size_t bytes_max);

}  // namespace edgesentry::serve
