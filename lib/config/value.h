// One key's value, from what stands in the file to what stands in the tree. Private to this folder.
//
// Knows types and ranges, not how keys relate (validate.h). A value that is refused leaves the
// default in place, and everything wrong with a list is said at once.
#pragma once

#include <toml++/toml.h>

#include <string>
#include <vector>

#include "config/fields.h"

namespace edgesentry::config {

struct Complaint {
  toml::source_position at;
  std::string fault;
  std::string remedy;
};

// `segment` is the table a [[segment]] key belongs to, null for every other key.
std::vector<Complaint> set_value(const Field& field, const toml::node& node, Config& config,
                                 Segment* segment);

}  // namespace edgesentry::config
