#include "config/reload_diff.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/fields.h"
#include "config/render.h"
#include "config/sections.h"

namespace edgesentry::config {
namespace {

std::string in_braces(const Config& config, const Segment& segment) {
  std::string text;
  for (const Field& field : fields()) {
    if (section_of(field.key) != "segment") continue;
    text += fmt::format("{}{} = {}", text.empty() ? "{ " : ", ", name_of(field.key),
                        render_value(field, config, &segment));
  }
  return text + " }";
}

void compare_segments(const Config& now, const Config& next, std::vector<Change>& changes) {
  const std::size_t both = std::min(now.segments.size(), next.segments.size());
  for (std::size_t i = 0; i < both; ++i) {
    for (const Field& field : fields()) {
      if (section_of(field.key) != "segment") continue;
      std::string before = render_value(field, now, &now.segments[i]);
      std::string after = render_value(field, next, &next.segments[i]);
      if (before != after)
        changes.push_back({fmt::format("segment[{}].{}", i, name_of(field.key)), std::move(before),
                           std::move(after), field.restart});
    }
  }
  for (std::size_t i = both; i < now.segments.size(); ++i)
    changes.push_back({fmt::format("segment[{}]", i), in_braces(now, now.segments[i]), "", true});
  for (std::size_t i = both; i < next.segments.size(); ++i)
    changes.push_back({fmt::format("segment[{}]", i), "", in_braces(next, next.segments[i]), true});
}

}  // namespace

std::vector<Change> reload_diff(const Config& now, const Config& next) {
  std::vector<Change> changes;
  for (const Field& field : fields()) {
    if (section_of(field.key) == "segment") continue;
    std::string before = render_value(field, now, nullptr);
    std::string after = render_value(field, next, nullptr);
    if (before != after)
      changes.push_back(
          {std::string(field.key), std::move(before), std::move(after), field.restart});
  }
  compare_segments(now, next, changes);
  return changes;
}

}  // namespace edgesentry::config
