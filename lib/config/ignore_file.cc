#include "config/ignore_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

#include "config/read_file.h"
#include "config/render.h"

namespace edgesentry::config {
namespace {

constexpr std::size_t kFileBytesMax = 64 * 1024 * 1024;  // about four million lines
constexpr std::size_t kProblemsMax = 100;                // a wrong file has a fault on every line
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\f\v";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// "255.255.255.0" is 24. nullopt when it is no mask, or has holes.
std::optional<std::uint8_t> dotted_mask_length(std::string_view mask) {
  if (mask.find('.') == std::string_view::npos) return std::nullopt;
  const auto as_address = base::Ip::parse(mask);
  if (!as_address || !as_address->is_v4()) return std::nullopt;
  const std::uint32_t bits = as_address->v4_value();
  const int length = std::countl_one(bits);
  if (length < 32 && (bits << length) != 0) return std::nullopt;
  return static_cast<std::uint8_t>(length);
}

std::optional<base::Prefix> parse_entry(std::string_view entry) {
  if (auto prefix = base::Prefix::parse(entry)) return prefix;
  const std::size_t slash = entry.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = base::Ip::parse(trim(entry.substr(0, slash)));
  const auto length = dotted_mask_length(trim(entry.substr(slash + 1)));
  if (!address || !address->is_v4() || !length) return std::nullopt;
  return base::Prefix(*address, *length);
}

std::string_view fault_of(std::string_view entry) {
  const std::size_t slash = entry.find('/');
  if (!base::Ip::parse(trim(entry.substr(0, slash)))) return "is not an address";
  return slash == std::string_view::npos ? "is not an address" : "has a mask that is none";
}

}  // namespace

IgnoreFile parse_ignore(std::string_view text, const std::string& name) {
  IgnoreFile ignored;
  std::size_t& bad_lines = ignored.bad_lines;
  unsigned line = 0;
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  while (!text.empty()) {
    ++line;
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view whole = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string_view entry = trim(whole.substr(0, whole.find('#')));
    if (entry.empty()) continue;
    if (const auto prefix = parse_entry(entry)) {
      ignored.prefixes.push_back(*prefix);
      continue;
    }
    if (++bad_lines > kProblemsMax) continue;
    ignored.problems.push_back(
        {name, line, 0, "", fmt::format("\"{}\" {}", printable(entry), fault_of(entry)),
         "The line is left out; write 10.0.0.7, 10.0.0.0/24 or 2001:db8::/48", false});
  }
  if (bad_lines > kProblemsMax)
    ignored.problems.push_back({name, line, 0, "",
                                fmt::format("{} more lines are wrong", bad_lines - kProblemsMax),
                                "They are left out; is this the file that was meant?", false});
  return ignored;
}

IgnoreFile load_ignore(const std::string& path) {
  FileText file = read_file(path, kFileBytesMax);
  if (!file.problem) return parse_ignore(file.text, path);
  IgnoreFile ignored;
  ignored.problems.push_back(std::move(*file.problem));
  return ignored;
}

}  // namespace edgesentry::config
