// TOML text to a tree, with every syntax error and not only the first. Private to this folder.
//
// The parser stops at its first error, so the faulty statement is taken out and the rest parsed
// again. What was taken out is remembered as spoiled: no rule complains that it is missing.
#pragma once

#include <toml++/toml.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.h"

namespace edgesentry::config {

struct Document {
  toml::table root;
  std::vector<Problem> problems;
  std::set<std::string> spoiled;  // "detect.window", "segment[0].inside", or a section
};

Document parse_document(std::string_view text, const std::string& name);

}  // namespace edgesentry::config
