// The allow file's grammar, and the lists compiled into one set.
#include "policy/allow_list.h"

#include <fmt/core.h>

#include <algorithm>

namespace edgesentry::policy {

namespace {

constexpr std::string_view kBlanks = " \t\r\v\f";
constexpr std::size_t kShownMax = 80;  // of a bad line; the file may be anything

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string printable(std::string_view text) {
  std::string shown(text.substr(0, kShownMax));
  std::replace_if(
      shown.begin(), shown.end(), [](unsigned char c) { return c < 0x20 || c > 0x7e; }, '?');
  return shown;
}

base::Prefix widened(const base::Prefix& prefix, std::uint8_t ipv6_prefix) {
  if (prefix.address().is_v4() || prefix.length() <= ipv6_prefix) return prefix;
  return base::Prefix(prefix.address(), ipv6_prefix);
}

}  // namespace

AllowText parse_allow_text(std::string_view text, std::string_view path) {
  AllowText found;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = text.find('\n');
    std::string_view item = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    item = trimmed(item.substr(0, item.find('#')));
    if (item.empty()) continue;
    if (const auto prefix = base::Prefix::parse(item)) {
      found.entries.push_back({*prefix, Exempt::allowed_by_file});
    } else {
      found.problems.push_back(
          fmt::format("{}:{}: '{}' is not an address or a CIDR block; write one a line, such as "
                      "192.0.2.7 or 2001:db8::/48",
                      path, line, printable(item)));
    }
  }
  return found;
}

Exemptions::Exemptions(const AllowLists& lists, std::uint8_t ipv6_prefix) {
  std::vector<base::Prefix> prefixes;
  std::array<std::vector<base::Prefix>, kExemptWords.size()> by_kind;
  for (const auto* list : {&lists.never_ban, &lists.configured, &lists.file, &lists.live})
    for (const Exemption& exemption : *list) {
      prefixes.push_back(widened(exemption.prefix, ipv6_prefix));
      by_kind[static_cast<std::size_t>(exemption.kind)].push_back(prefixes.back());
    }
  set_ = base::CidrSet(prefixes);
  for (std::size_t kind = 0; kind < by_kind.size(); ++kind)
    by_kind_[kind] = base::CidrSet(by_kind[kind]);
  size_ = prefixes.size();
}

std::optional<Exempt> Exemptions::why(const base::Ip& ip) const noexcept {
  // The machine's own needs, at the end, are the stronger reason.
  for (std::size_t kind = by_kind_.size(); kind > 0; --kind)
    if (by_kind_[kind - 1].contains(ip)) return static_cast<Exempt>(kind - 1);
  return std::nullopt;
}

}  // namespace edgesentry::policy
