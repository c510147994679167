#include "report/command.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace edgesentry::report {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string with_replaced(std::string text, std::string_view token, std::string_view value) {
  for (std::size_t at = text.find(token); at != std::string::npos;
       at = text.find(token, at + value.size()))
    text.replace(at, token.size(), value);
  return text;
}

}  // namespace

base::Result<Arguments> parse_command(std::string_view text) {
  Arguments arguments;
  bool inside = false;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == 0 && is_blank(c)) {
      inside = false;
      continue;
    }
    if (!inside) arguments.emplace_back();
    inside = true;
    if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      arguments.back().push_back(text[++i]);
    } else {
      arguments.back().push_back(c);
    }
  }
  if (quote != 0)
    return base::Error{
        fmt::format("command '{}': a quote {} is never closed; close it", text, quote)};
  if (!arguments.empty() && !arguments.front().starts_with('/'))
    return base::Error{
        fmt::format("command '{}': '{}' is not an absolute path; write the program's whole path",
                    text, arguments.front())};
  return arguments;
}

CommandValues values_of(const Event& event) {
  return {
      .target = event.source,
      .port = event.alert ? static_cast<std::uint16_t>(event.alert->last_port) : std::uint16_t{0}};
}

Arguments fill_in(const Arguments& command, const CommandValues& values_now) {
  const std::string target = values_now.target.to_string();
  const std::string port = std::to_string(values_now.port);
  const std::array<std::pair<std::string_view, std::string_view>, 3> values = {
      {{"$TARGET$", target}, {"$PORT$", port}, {"$MODE$", "stealth"}}};
  Arguments filled = command;
  for (std::string& argument : filled)
    for (const auto& [token, value] : values)
      argument = with_replaced(std::move(argument), token, value);
  return filled;
}

}  // namespace edgesentry::report
