#include "serve/request_text.h"

#include <fmt/format.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "control/command_input.h"

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

// RFC 8259 section 4 leaves open what a name that stands twice means. Two readers that differ in it
// would let one check a request and the other obey another one, so it is refused. `subject` is "the
// body" or "the request"; what is not JSON is discarded.
base::Result<nlohmann::json> parse_unambiguous(std::string_view subject, std::string_view text) {
  if (is_nested_too_deeply(text))
    return base::Error{fmt::format("{} is nested deeper than {} levels", subject, kNestingMax)};
  using Event = nlohmann::json::parse_event_t;
  std::vector<std::set<std::string>> names;
  std::string twice;
  bool is_ambiguous = false;
  const auto watch = [&](int, Event event, nlohmann::json& parsed) {
    if (event == Event::object_start) names.emplace_back();
    if (event == Event::object_end) names.pop_back();
    if (event != Event::key || is_ambiguous) return true;
    const auto& name = parsed.get_ref<const std::string&>();
    is_ambiguous = !names.back().insert(name).second;
    if (is_ambiguous) twice = control::shown(name);
    return true;
  };
  nlohmann::json value = nlohmann::json::parse(text, watch, /*allow_exceptions=*/false);
  if (is_ambiguous && !value.is_discarded())
    return base::Error{fmt::format("{} has \"{}\" twice; write it once", subject, twice)};
  return value;
}

}  // namespace

base::Result<nlohmann::json> parse_json(std::string_view text) {
  auto value = parse_unambiguous("the body", text);
  if (value && value.value().is_discarded()) return base::Error{"the body is not JSON"};
  return value;
}

base::Result<nlohmann::json> parse_request(std::string_view line) {
  auto request = parse_unambiguous("the request", line);
  if (request && !request.value().is_object())
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
