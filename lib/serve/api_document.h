// /openapi.json: the table of routes in the words of OpenAPI 3.0. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace edgesentry::serve {

[[nodiscard]] nlohmann::json api_document(std::string_view version);

}  // namespace edgesentry::serve
