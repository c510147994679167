// Text form of port sets: PortSentry's own list syntax, with ranges.
#include "base/port_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <optional>

namespace edgesentry::base {

namespace {

constexpr std::uint32_t kPorts = 65'536;
constexpr std::size_t kShownMax = 32;  // of a faulty item, so that garbage cannot fill a log

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, fault] = std::from_chars(text.data(), end, port);
  if (text.empty() || fault != std::errc{} || stopped != end) return std::nullopt;
  return port;
}

std::string printable(std::string_view item) {
  std::string shown;
  for (const char c : item.substr(0, kShownMax)) shown += c >= ' ' && c <= '~' ? c : '?';
  if (item.size() > kShownMax) shown += "...";
  return shown;
}

Error not_a_port(std::string_view item) {
  return Error{fmt::format(
      "ports: '{}' is neither a port from 0 to 65535 nor a range such as 1-1813", printable(item))};
}

Status insert_item(PortSet& ports, std::string_view item) {
  const std::size_t dash = item.find('-');
  const auto first = parse_port(trim(item.substr(0, dash)));
  if (!first) return not_a_port(item);
  if (dash == std::string_view::npos) {
    ports.insert(*first);
    return {};
  }
  const auto last = parse_port(trim(item.substr(dash + 1)));
  if (!last) return not_a_port(item);
  if (*last < *first)
    return Error{fmt::format("ports: the range '{}' ends before it begins; write it as {}-{}",
                             printable(item), *last, *first)};
  ports.insert_range(*first, *last);
  return {};
}

}  // namespace

Result<PortSet> PortSet::parse(std::string_view text) {
  PortSet ports;
  if (trim(text).empty()) return ports;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t comma = std::min(text.find(',', begin), text.size());
    const Status inserted = insert_item(ports, trim(text.substr(begin, comma - begin)));
    if (!inserted) return inserted.error();
    begin = comma + 1;
  }
  return ports;
}

void PortSet::insert_range(std::uint16_t first, std::uint16_t last) noexcept {
  for (std::uint32_t port = first; port <= last; ++port) insert(static_cast<std::uint16_t>(port));
}

std::uint32_t PortSet::size() const noexcept {
  std::uint32_t count = 0;
  for (const std::uint64_t word : words_) count += static_cast<std::uint32_t>(std::popcount(word));
  return count;
}

std::string PortSet::to_string() const {
  std::string text;
  for (std::uint32_t port = 0; port < kPorts; ++port) {
    if (!contains(static_cast<std::uint16_t>(port))) continue;
    const std::uint32_t first = port;
    while (port + 1 < kPorts && contains(static_cast<std::uint16_t>(port + 1))) ++port;
    if (!text.empty()) text += ',';
    text += first == port ? fmt::format("{}", first) : fmt::format("{}-{}", first, port);
  }
  return text;
}

}  // namespace edgesentry::base
