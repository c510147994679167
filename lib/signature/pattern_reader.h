// One [[pattern]] of the file: its table of keys onto a Pattern. Private to this folder.
//
// The text given is that of this entry alone, and `line` where it starts in the file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/problem.h"
#include "signature/pattern.h"

namespace edgesentry::signature {

struct PatternText {
  std::string_view text;
  unsigned line = 1;
  const std::string& file;
};

// False: something was wrong, and problems grew.
bool read_pattern(const PatternText& source, Pattern& pattern,
                  std::vector<config::Problem>& problems);

}  // namespace edgesentry::signature
