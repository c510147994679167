#include "config/problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <tuple>

namespace edgesentry::config {

namespace {

std::string written(const Problem& problem, std::string_view label) {
  const auto& [file, line, column, key, fault, remedy, fatal] = problem;
  fmt::memory_buffer text;
  const auto end = std::back_inserter(text);
  fmt::format_to(end, "{}", file);
  if (line > 0) fmt::format_to(end, ":{}", line);
  if (line > 0 && column > 0) fmt::format_to(end, ":{}", column);
  fmt::format_to(end, "{}", label);
  if (!key.empty()) fmt::format_to(end, ": {}", key);
  fmt::format_to(end, ": {}", fault);
  if (!remedy.empty()) fmt::format_to(end, ". {}", remedy);
  return fmt::to_string(text);
}

}  // namespace

std::string Problem::to_string() const {
  return written(*this, "");
}

std::string Problem::to_line() const {
  return written(*this, fatal ? "" : ": warning");
}

void put_in_order(std::vector<Problem>& problems) {
  std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.file, a.line, a.column) < std::tie(b.file, b.line, b.column);
  });
  problems.erase(std::unique(problems.begin(), problems.end()), problems.end());
}

}  // namespace edgesentry::config
