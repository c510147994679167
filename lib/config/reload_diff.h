// What a new configuration changes, key by key, and which changes wait for the next start.
// Read off the table of fields, so no key can be forgotten. Pure function.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace edgesentry::config {

struct Change {
  std::string key;     // "detect.window", "segment[1].inside", "segment[1]" when it came or went
  std::string before;  // TOML text; empty when there was none
  std::string after;
  bool needs_restart = false;
};

std::vector<Change> reload_diff(const Config& now, const Config& next);

}  // namespace edgesentry::config
