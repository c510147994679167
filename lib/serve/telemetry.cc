#include "serve/telemetry.h"

#include <fmt/format.h>
#include <rte_telemetry.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <mutex>
#include <span>

namespace edgesentry::serve {

namespace {

using Json = nlohmann::json;

constexpr std::string_view kPrefix = "/edgesentry/";
constexpr std::size_t kTextMax = RTE_TEL_MAX_STRING_LEN - 1;
constexpr std::size_t kDictMax = RTE_TEL_MAX_DICT_ENTRIES;
constexpr std::size_t kLinesMax = RTE_TEL_MAX_ARRAY_ENTRIES;

// DPDK's callbacks carry no pointer of ours, so the handler has to be found by name.
struct Holder {
  std::mutex mutex;
  Telemetry::Handler handler;  // empty: nobody answers
};
Holder& holder() {
  static Holder only;
  return only;
}

// DPDK wants letters, digits, '/' and '_' in names, and puts text into JSON as it stands.
std::string as_name(std::string_view text) {
  std::string name;
  for (const char c : text)
    name += (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? c : '_';
  return name;
}
std::string as_text(std::string text) {
  for (char& c : text)
    if (c < ' ' || c > '~' || c == '"' || c == '\\') c = '\'';
  if (text.size() <= kTextMax) return text;
  text.resize(kTextMax - 3);
  return text.append("...");
}

std::string plain(const Json& value) {
  return as_text(value.is_string() ? value.get<std::string>() : value.dump());
}

void flatten(const Json& object, const std::string& prefix, TelemetryDict& dict) {
  for (const auto& item : object.items()) {
    const Json& value = item.value();
    const std::string name = prefix + as_name(item.key());
    if (value.is_object()) {
      flatten(value, name + "/", dict);
    } else if (value.is_array()) {
      for (std::size_t i = 0; i < value.size(); ++i)
        flatten({{std::to_string(i), value[i]}}, name + "/", dict);
    } else if (dict.size() < kDictMax && name.size() <= kTextMax) {
      if (value.is_boolean())
        dict.emplace_back(name, std::uint64_t{value.get<bool>()});
      else if (value.is_number_unsigned())
        dict.emplace_back(name, value.get<std::uint64_t>());
      else
        dict.emplace_back(name, plain(value));
    }
  }
}

Json request_for(const TelemetryCommand& command, std::string_view words) {
  Json request = {{"command", command.name}};
  if (command.member.empty() || words.empty()) return request;
  std::uint64_t number = 0;
  const auto end = words.data() + words.size();
  const auto read = std::from_chars(words.data(), end, number);
  if (command.member == "count" && read.ec == std::errc() && read.ptr == end)
    request[command.member] = number;
  else
    request[command.member] = std::string(words);
  return request;
}

void fill(rte_tel_data* out, const TelemetryCommand& command, const Json& reply) {
  if (!reply.value("ok", false)) {
    rte_tel_data_string(out, as_text(reply.value("error", "no answer")).c_str());
    return;
  }
  if (!command.list.empty()) {
    rte_tel_data_start_array(out, RTE_TEL_STRING_VAL);
    for (const std::string& line : telemetry_lines(reply.value(command.list, Json::array())))
      rte_tel_data_add_array_string(out, line.c_str());
    return;
  }
  rte_tel_data_start_dict(out);
  for (const auto& [name, value] : telemetry_dict(reply)) {
    if (const auto* number = std::get_if<std::uint64_t>(&value))
      rte_tel_data_add_dict_u64(out, name.c_str(), *number);
    else
      rte_tel_data_add_dict_string(out, name.c_str(), std::get<std::string>(value).c_str());
  }
}

// On a thread of DPDK's, which knows no exceptions.
int answer(const char* name, const char* words, rte_tel_data* out) noexcept {
  try {
    const std::string_view wanted = std::string_view(name).substr(kPrefix.size());
    const auto& commands = telemetry_commands();
    const auto command = std::ranges::find(commands, wanted, &TelemetryCommand::name);
    if (command == commands.end()) return -1;
    Telemetry::Handler handler;
    {
      const std::lock_guard lock(holder().mutex);
      handler = holder().handler;
    }
    if (!handler) return -1;
    fill(out, *command, handler(request_for(*command, words == nullptr ? "" : words)));
    return 0;
  } catch (const std::exception&) {
    return -1;  // the client reads null
  }
}

}  // namespace

const std::vector<TelemetryCommand>& telemetry_commands() {
  static const std::vector<TelemetryCommand> commands = {
      {"status", "How the appliance is doing. Takes no parameters", "", ""},
      {"version", "Which version this is. Takes no parameters", "", ""},
      {"top", "Sources with the most probes. Parameter: how many", "count", "sources"},
      {"blocked", "Who is blocked. Parameter: how many", "count", "sources"},
      {"events", "The last events. Parameter: how many", "count", "events"},
      {"explain", "The story of one source. Parameter: its address", "address", "story"},
  };
  return commands;
}

TelemetryDict telemetry_dict(const Json& object) {
  TelemetryDict dict;
  if (!object.is_object()) return dict;
  Json shown = object;
  shown.erase("machine");  // its lists would fill the dictionary, and /ethdev/info tells the same
  flatten(shown, "", dict);
  return dict;
}

std::vector<std::string> telemetry_lines(const Json& list) {
  std::vector<std::string> lines;
  if (!list.is_array()) return lines;
  for (const Json& row : list) {
    if (lines.size() == kLinesMax) break;
    if (!row.is_object()) {
      lines.push_back(plain(row));
      continue;
    }
    std::string line;
    for (const char* key : {"time", "source", "standing", "technique", "until", "action", "text"})
      if (row.contains(key) && row[key].is_string()) {
        if (!line.empty()) line += ' ';
        line += row[key].get<std::string>();
      }
    lines.push_back(as_text(std::move(line)));
  }
  return lines;
}

base::Result<Telemetry> Telemetry::offer(Handler handler) {
  {
    const std::lock_guard lock(holder().mutex);
    holder().handler = std::move(handler);
  }
  Telemetry telemetry;
  telemetry.is_on_ = true;
  for (const TelemetryCommand& command : telemetry_commands()) {
    const std::string name = std::string(kPrefix) + command.name;
    if (rte_telemetry_register_cmd(name.c_str(), answer, command.help.c_str()) != 0)
      return base::Error{fmt::format("DPDK's telemetry takes no command {}", name)};
  }
  return telemetry;
}

Telemetry& Telemetry::operator=(Telemetry&& other) noexcept {
  std::swap(is_on_, other.is_on_);
  return *this;
}

Telemetry::~Telemetry() {
  if (!is_on_) return;
  const std::lock_guard lock(holder().mutex);
  holder().handler = nullptr;
}

}  // namespace edgesentry::serve
