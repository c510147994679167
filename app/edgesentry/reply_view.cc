#include "reply_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <vector>

#include "local_time.h"
#include "policy/decide.h"
#include "text_table.h"

namespace edgesentry::cli {
namespace {

using Json = nlohmann::json;

constexpr std::array kKnownOrder = {"number",
                                    "time",
                                    "action",
                                    "source",
                                    "standing",
                                    "version",
                                    "mode",
                                    "bypass",
                                    "placement",
                                    "enforcement",
                                    "name",
                                    "place",
                                    "state",
                                    "technique",
                                    "shape",
                                    "severity",
                                    "tool",
                                    "probes",
                                    "ports",
                                    "targets",
                                    "since",
                                    "until",
                                    "seconds_left",
                                    "offences",
                                    "by",
                                    "reason",
                                    "last_seen",
                                    "uptime_seconds",
                                    "workers",
                                    "packets",
                                    "blocks",
                                    "blocked",
                                    "would_be_blocked",
                                    "text",
                                    "story",
                                    "trouble"};

std::size_t rank_of(const std::string& key) {
  const auto known = std::find(kKnownOrder.begin(), kKnownOrder.end(), key);
  return static_cast<std::size_t>(known - kKnownOrder.begin());
}

std::vector<std::string> in_order(std::vector<std::string> keys) {
  std::stable_sort(keys.begin(), keys.end(), [](const std::string& a, const std::string& b) {
    return rank_of(a) < rank_of(b);
  });
  return keys;
}

std::vector<std::string> keys_of(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& item : object.items()) keys.push_back(item.key());
  return in_order(std::move(keys));
}

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
  if (key.find("seconds") != std::string::npos && number < 400ull * 24 * 3600)
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

// The columns that fit a terminal; --json has them all.
constexpr std::array<std::string_view, 10> kBlockedColumns = {
    "source",  "technique", "shape",    "probes", "ports",
    "targets", "until",     "offences", "by",     "reason"};
constexpr std::array<std::string_view, 8> kTopColumns = {
    "source", "standing", "technique", "shape", "probes", "ports", "targets", "last_seen"};

std::string cell_text(const std::string& key, const Json& value) {
  constexpr std::size_t kReasonMax = 24;
  if (value.is_string())
    if (auto time = short_local_time(value.get_ref<const std::string&>())) return *time;
  std::string text = text_of(key, value);
  if (key == "reason" && text.size() > kReasonMax) text = text.substr(0, kReasonMax - 2) + "..";
  return text;
}

// `wanted`: these columns of the ones that there are, in this order; empty: all.
std::string table_text(const Json& rows, bool with_colour, unsigned indent,
                       std::span<const std::string_view> wanted = {}) {
  std::vector<std::string> keys;
  for (const Json& row : rows)
    for (const auto& [key, value] : row.items())
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  keys = in_order(std::move(keys));
  if (!wanted.empty()) {
    std::vector<std::string> shown;
    for (const std::string_view key : wanted)
      if (std::find(keys.begin(), keys.end(), key) != keys.end()) shown.emplace_back(key);
    if (!shown.empty()) keys = std::move(shown);
  }
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
                                         : Cell{cell_text(key, *value), colour_of(*value)});
    }
    table.add(std::move(cells));
  }
  return table.to_string(with_colour, indent);
}

// Sentences, as `explain` tells them.
bool is_story(const Json& value) {
  return value.is_array() && !value.empty() &&
         std::all_of(value.begin(), value.end(), [](const Json& item) {
           return item.is_string() &&
                  item.get_ref<const std::string&>().find(' ') != std::string::npos;
         });
}

std::string wrapped(std::string_view text, std::string_view margin) {
  constexpr std::size_t kColumns = 96;
  std::string out;
  while (!text.empty()) {
    std::size_t end = text.size();
    if (end > kColumns) {
      end = text.rfind(' ', kColumns);
      if (end == std::string_view::npos || end == 0) end = std::min(text.find(' '), text.size());
    }
    out += fmt::format("{}{}\n", margin, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// When and what in one line, the sentence below it.
std::string events_text(const Json& events, bool with_colour) {
  std::string out;
  for (const Json& event : events) {
    const auto text = [&](const char* key) {
      return event.contains(key) ? cell_text(key, event[key]) : std::string();
    };
    const Json stands_for = event.value("stands_for", Json(1));
    out += fmt::format("{:<14}  {}{}\n", text("time"),
                       coloured(text("action"), Colour::bold, with_colour),
                       stands_for == 1 ? "" : fmt::format(" x {}", text("stands_for")));
    out += wrapped(text("text"), "    ");
  }
  return out;
}

std::string object_text(const Json& object, bool with_colour, unsigned indent, int depth) {
  const std::string margin(indent, ' ');
  const std::vector<std::string> keys = keys_of(object);
  const auto is_short = [&](const Json& value) {
    return !is_table(value) && !is_story(value) &&
           (!value.is_object() || value.empty() || depth >= kDepthMax);
  };
  std::size_t width = 0;
  for (const std::string& key : keys)
    if (is_short(object[key])) width = std::max(width, key.size());
  std::string out;
  for (const std::string& key : keys) {
    const Json& value = object[key];
    const std::string name = words_of(key);
    if (is_short(value)) {
      const auto time =
          value.is_string() ? local_time(value.get_ref<const std::string&>()) : std::nullopt;
      const std::string text =
          coloured(time ? *time : text_of(key, value), colour_of(value), with_colour);
      out += fmt::format("{}{:<{}}  {}\n", margin, name, width, text);
      continue;
    }
    out += fmt::format("{}{}\n", margin, coloured(name, Colour::bold, with_colour));
    if (is_table(value))
      out += table_text(value, with_colour, indent + 2,
                        object.contains("would_be_blocked") ? std::span(kBlockedColumns)
                                                            : std::span<const std::string_view>());
    if (value.is_object()) out += object_text(value, with_colour, indent + 2, depth + 1);
    if (is_story(value))
      for (const Json& sentence : value)
        out += fmt::format("{}  {}\n", margin, text_of(key, sentence));
  }
  return out;
}

}  // namespace

std::string render_reply(const nlohmann::json& json, bool with_colour) {
  if (!json.is_object()) return raw(json) + "\n";
  Json shown = json;
  shown.erase("ok");
  shown.erase("next");
  // A reply that is one list is shown as that list.
  if (shown.size() == 1 && is_table(shown.front())) {
    if (shown.contains("events")) return events_text(shown.front(), with_colour);
    return table_text(shown.front(), with_colour, 0, kTopColumns);
  }
  if (shown.size() == 1 && shown.front().is_array() && shown.front().empty()) return "none\n";
  return shown.empty() ? "done\n" : object_text(shown, with_colour, 0, 0);
}

}  // namespace edgesentry::cli
