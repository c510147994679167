#include "reply_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "policy/decide.h"
#include "text_table.h"

namespace edgesentry::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kDepthMax = 8;

std::string words_of(const std::string& key) {
  std::string out = printable(key);
  std::replace(out.begin(), out.end(), '_', ' ');
  return out;
}

std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

std::string raw(const Json& json) {
  return printable(json.dump(-1, ' ', true, Json::error_handler_t::replace));
}

std::string number_text(const std::string& key, const Json& value) {
  if (value.is_number_float()) {
    const double number = value.get<double>();
    return std::isfinite(number) ? fmt::format("{:.6g}", number) : "-";
  }
  if (value.is_number_integer() && !value.is_number_unsigned() && value.get<std::int64_t>() < 0)
    return std::to_string(value.get<std::int64_t>());
  const auto number = value.get<std::uint64_t>();
  if (key.ends_with("seconds") && number < 400ull * 24 * 3600)
    return policy::in_words(std::chrono::seconds(number));
  if (key.ends_with("bytes")) return in_bytes(number);
  const bool is_a_name = key.ends_with("port") || key == "pid" || key == "worker";
  return is_a_name ? std::to_string(number) : grouped(number);
}

// Anything that fits on one line.
std::string text_of(const std::string& key, const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_number()) return number_text(key, value);
  if (value.is_string()) return printable(value.get_ref<const std::string&>());
  if (value.is_array()) {
    constexpr std::size_t kShown = 8;
    std::string out;
    for (std::size_t i = 0; i < value.size() && i < kShown; ++i)
      out += fmt::format("{}{}", i > 0 ? "," : "",
                         value[i].is_primitive() ? text_of(key + "port", value[i]) : raw(value[i]));
    if (value.size() > kShown) out += fmt::format(" +{}", value.size() - kShown);
    return out.empty() ? "-" : out;
  }
  return raw(value);
}

bool is_table(const Json& value) {
  return value.is_array() && !value.empty() &&
         std::all_of(value.begin(), value.end(), [](const Json& row) { return row.is_object(); });
}

Colour colour_of(const Json& value) {
  if (!value.is_string()) return Colour::none;
  const std::string& text = value.get_ref<const std::string&>();
  if (text == "high" || text == "critical" || text == "blocked") return Colour::red;
  if (text == "medium" || text == "degraded") return Colour::yellow;
  return Colour::none;
}

std::string table_text(const Json& rows, bool with_colour, unsigned indent) {
  std::vector<std::string> keys;
  for (const Json& row : rows)
    for (const auto& [key, value] : row.items())
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  std::vector<TextTable::Column> columns;
  for (const std::string& key : keys) {
    const bool all_numbers = std::all_of(rows.begin(), rows.end(), [&](const Json& row) {
      return !row.contains(key) || row[key].is_number();
    });
    columns.push_back({upper(words_of(key)), all_numbers});
  }
  TextTable table(columns);
  for (const Json& row : rows) {
    std::vector<Cell> cells;
    for (const std::string& key : keys) {
      const auto value = row.find(key);
      cells.push_back(value == row.end() ? Cell{"-"}
                                         : Cell{text_of(key, *value), colour_of(*value)});
    }
    table.add(std::move(cells));
  }
  return table.to_string(with_colour, indent);
}

std::string object_text(const Json& object, bool with_colour, unsigned indent, int depth) {
  const std::string margin(indent, ' ');
  std::size_t width = 0;
  for (const auto& [key, value] : object.items())
    if (!value.is_object() && !is_table(value)) width = std::max(width, words_of(key).size());
  std::string out;
  for (const auto& [key, value] : object.items()) {
    const std::string name = words_of(key);
    if (is_table(value)) {
      out += fmt::format("{}{}\n", margin, coloured(name, Colour::bold, with_colour)) +
             table_text(value, with_colour, indent + 2);
    } else if (value.is_object() && !value.empty() && depth < kDepthMax) {
      out += fmt::format("{}{}\n", margin, coloured(name, Colour::bold, with_colour)) +
             object_text(value, with_colour, indent + 2, depth + 1);
    } else {
      out += fmt::format("{}{:<{}}  {}\n", margin, name, width,
                         coloured(text_of(key, value), colour_of(value), with_colour));
    }
  }
  return out;
}

}  // namespace

std::string render_reply(const Json& json, bool with_colour) {
  if (!json.is_object()) return raw(json) + "\n";
  Json shown = json;
  shown.erase("ok");
  // A reply that is one list is shown as that list.
  if (shown.size() == 1 && is_table(shown.front()))
    return table_text(shown.front(), with_colour, 0);
  if (shown.size() == 1 && shown.front().is_array() && shown.front().empty()) return "none\n";
  return shown.empty() ? "done\n" : object_text(shown, with_colour, 0, 0);
}

}  // namespace edgesentry::cli
