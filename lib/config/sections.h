// The sections of edgesentry.toml, and the two halves of a key path.
// Constant data; any thread.
#pragma once

#include <span>
#include <string_view>

namespace edgesentry::config {

struct Section {
  std::string_view name;  // empty: keys before the first section
  std::string_view help;
};
std::span<const Section> sections();

// "detect.window" stands in "detect", "mode" in "".
std::string_view section_of(std::string_view key);
std::string_view name_of(std::string_view key);

}  // namespace edgesentry::config
