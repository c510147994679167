#include "serve/request_text.h"

#include <fmt/format.h>

#include <utility>

namespace edgesentry::serve {
namespace {

std::string to_line(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool is_nested_too_deeply(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string && c == '\\')
      ++i;
    else if (c == '"')
      in_string = !in_string;
    else if (!in_string && (c == '[' || c == '{') && ++depth > kNestingMax)
      return true;
    else if (!in_string && (c == ']' || c == '}') && depth > 0)
      --depth;
  }
  return false;
}

}  // namespace

base::Result<nlohmann::json> parse_json(std::string_view text) {
  if (is_nested_too_deeply(text))
    return base::Error{fmt::format("the body is nested deeper than {} levels", kNestingMax)};
  nlohmann::json value = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return base::Error{"the body is not JSON"};
  return value;
}

base::Result<nlohmann::json> parse_request(std::string_view line) {
  if (is_nested_too_deeply(line))
    return base::Error{fmt::format("the request is nested deeper than {} levels", kNestingMax)};
  nlohmann::json request = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!request.is_object())
    return base::Error{
        "the request is not a JSON object in one line; ask like {\"command\": \"status\"}"};
  return request;
}

std::string error_line(std::string_view sentence) {
  return to_line({{"ok", false}, {"error", sentence}});
}

std::string reply_line(const nlohmann::json& reply, std::size_t bytes_max) {
  std::string line = to_line(reply);
  if (line.size() <= bytes_max) return line;
  return error_line(fmt::format("the reply has {} bytes and the limit is {}; ask for less of it",
                                line.size(), bytes_max));
}

}  // namespace edgesentry::serve
