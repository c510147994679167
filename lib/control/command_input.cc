#include "control/command_input.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "config/duration.h"

namespace edgesentry::control {

namespace {

constexpr std::size_t kShownMax = 80;
constexpr std::size_t kTextMax = 200;
constexpr std::chrono::seconds kDurationMax{366 * 86'400};

bool is_printable(unsigned char c) {
  return c >= 0x20 && c < 0x7f;
}

base::Error wrong(std::string_view name, const nlohmann::json& value, std::string_view remedy) {
  return {fmt::format("\"{}\": {} will not do; {}", name, shown_value(value), remedy)};
}

// JSON from a socket holds counts as unsigned, JSON made by our own code may hold them as signed.
std::optional<std::uint64_t> whole_number(const nlohmann::json& value) {
  if (value.is_number_unsigned()) return value.get<std::uint64_t>();
  if (!value.is_number_integer() || value.get<std::int64_t>() < 0) return std::nullopt;
  return static_cast<std::uint64_t>(value.get<std::int64_t>());
}

const nlohmann::json* member(const nlohmann::json& request, std::string_view name) {
  const auto at = request.find(name);
  return at == request.end() ? nullptr : &*at;
}

}  // namespace

std::string shown(std::string_view text) {
  std::string out(text.substr(0, kShownMax));
  std::replace_if(
      out.begin(), out.end(), [](unsigned char c) { return !is_printable(c); }, '?');
  if (text.size() > kShownMax) out += "...";
  return out;
}

std::string shown_value(const nlohmann::json& value) {
  if (value.is_string()) return '\'' + shown(value.get_ref<const std::string&>()) + '\'';
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array";
  return shown(value.dump());
}

base::Result<base::Prefix> prefix_member(const nlohmann::json& request, std::string_view name) {
  constexpr std::string_view kRemedy =
      "write an address or a CIDR block, such as 192.0.2.7 or 2001:db8::/64";
  const nlohmann::json* value = member(request, name);
  if (value == nullptr) return base::Error{fmt::format("\"{}\" is missing; {}", name, kRemedy)};
  if (!value->is_string()) return wrong(name, *value, kRemedy);
  const auto prefix = base::Prefix::parse(value->get_ref<const std::string&>());
  if (!prefix) return wrong(name, *value, kRemedy);
  return *prefix;
}

base::Result<base::Ip> source_member(const nlohmann::json& request, std::uint8_t ipv6_prefix) {
  auto prefix = prefix_member(request, "address");
  if (!prefix) return prefix.error();
  const base::Ip address = prefix.value().address();
  if (prefix.value().is_host()) return address;
  if (!address.is_v4() && prefix.value().length() == ipv6_prefix) return address;
  return wrong("address", request.at("address"),
               fmt::format("sources are single IPv4 addresses and IPv6 /{} prefixes: name one, or "
                           "keep the whole network out with a rule of the router in front",
                           ipv6_prefix));
}

base::Result<std::chrono::seconds> duration_member(const nlohmann::json& request,
                                                   std::string_view name) {
  constexpr std::string_view kRemedy =
      "write a time from 1s to 366d, such as \"10m\", \"1h30m\" or a number of seconds";
  const nlohmann::json* value = member(request, name);
  if (value == nullptr) return std::chrono::seconds(0);
  std::chrono::milliseconds duration{0};
  if (value->is_string()) {
    const auto parsed = config::parse_duration(value->get_ref<const std::string&>());
    if (!parsed) return wrong(name, *value, kRemedy);
    duration = parsed.value();
  } else if (const auto seconds = whole_number(*value)) {
    if (*seconds > static_cast<std::uint64_t>(kDurationMax.count()))
      return wrong(name, *value, kRemedy);
    duration = std::chrono::seconds(static_cast<std::int64_t>(*seconds));
  } else {
    return wrong(name, *value, kRemedy);
  }
  if (duration < std::chrono::seconds(1) || duration > kDurationMax)
    return wrong(name, *value, kRemedy);
  return std::chrono::ceil<std::chrono::seconds>(duration);
}

base::Result<std::string> text_member(const nlohmann::json& request, std::string_view name) {
  const nlohmann::json* value = member(request, name);
  if (value == nullptr) return std::string();
  if (!value->is_string()) return wrong(name, *value, "write a text");
  const auto& text = value->get_ref<const std::string&>();
  if (text.size() > kTextMax)
    return wrong(name, *value, fmt::format("at most {} characters are kept", kTextMax));
  if (!std::all_of(text.begin(), text.end(), is_printable))
    return wrong(name, *value, "use printable ASCII, since it stands in log lines");
  return text;
}

base::Result<std::uint64_t> count_member(const nlohmann::json& request, std::string_view name,
                                         const CountRange& range) {
  const nlohmann::json* value = member(request, name);
  if (value == nullptr) return range.normal;
  const auto remedy = fmt::format("write a whole number from {} to {}", range.low, range.high);
  const auto count = whole_number(*value);
  if (!count || *count < range.low || *count > range.high) return wrong(name, *value, remedy);
  return *count;
}

}  // namespace edgesentry::control
