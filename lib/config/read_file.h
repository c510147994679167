// Reads a whole small file, or says why not.
//
// Never hangs and never reads without bound: only regular files up to the given size are taken, and
// a named pipe without a writer is not waited for.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "config/problem.h"

namespace edgesentry::config {

struct FileText {
  std::string text;
  std::optional<Problem> problem;  // set: the text is not usable
};

FileText read_file(const std::string& path, std::size_t bytes_max);

}  // namespace edgesentry::config
