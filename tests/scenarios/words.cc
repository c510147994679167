#include "words.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace edgesentry::test {

base::Result<base::Micros> parse_time(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const std::string unit = end;
  double scale = 0;
  if (unit.empty() || unit == "s") scale = 1e6;
  if (unit == "us") scale = 1;
  if (unit == "ms") scale = 1e3;
  if (unit == "m") scale = 60e6;
  if (end == text.c_str() || value < 0 || scale == 0)
    return base::Error{fmt::format("'{}' is no time; write 250us, 10ms, 1.5s or 2m", text)};
  return base::Micros{static_cast<std::uint64_t>(value * scale + 0.5)};
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  Endpoint out;
  std::string_view address = text, port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    address = text.substr(1, end - 1);
    if (end + 1 < text.size() && text[end + 1] == ':') port = text.substr(end + 2);
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    address = text.substr(0, text.find(':'));
    port = text.substr(text.find(':') + 1);
  }
  const auto ip = base::Ip::parse(address);
  if (!ip) return std::nullopt;
  out.ip = *ip;
  if (port.empty()) return out;
  const auto value = parse_number(port);
  if (!value || *value > 65535) return std::nullopt;
  out.port = static_cast<std::uint16_t>(*value);
  return out;
}

std::optional<std::uint8_t> parse_flags(std::string_view letters) {
  constexpr std::string_view kLetters = "FSRPAUEC";  // bit 0 first, RFC 9293 section 3.1
  unsigned flags = 0;
  if (letters == "-") return std::uint8_t{0};
  for (char letter : letters) {
    const std::size_t bit = kLetters.find(letter);
    if (bit == std::string_view::npos) return std::nullopt;
    flags |= 1u << bit;
  }
  return static_cast<std::uint8_t>(flags);
}

namespace {

// What stands between the braces: numbers, ranges of numbers, or anything.
std::vector<std::string> items_of(const std::string& list) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < list.size() && out.size() < kPacketsMax;) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    const std::string item = list.substr(at, end - at);
    const std::size_t dash = item.find('-');
    const auto first = parse_number(item.substr(0, dash));
    const auto last = dash == std::string::npos ? first : parse_number(item.substr(dash + 1));
    if (!first || !last) out.push_back(item);
    for (auto i = first; i && last && *i <= *last && out.size() < kPacketsMax; ++*i)
      out.push_back(std::to_string(*i));
    at = end + 1;
  }
  return out;
}

}  // namespace

std::vector<std::string> values_of(const std::string& word) {
  const std::size_t open = word.find('{'), close = word.find('}');
  if (open == std::string::npos || close == std::string::npos || close < open) return {word};
  const auto items = items_of(word.substr(open + 1, close - open - 1));
  const auto rests = values_of(word.substr(close + 1));
  std::vector<std::string> out;
  if (items.empty()) return out;
  for (std::size_t i = 0; i < std::max(items.size(), rests.size()); ++i)
    out.push_back(word.substr(0, open) + items[i % items.size()] + rests[i % rests.size()]);
  return out;
}

}  // namespace edgesentry::test
