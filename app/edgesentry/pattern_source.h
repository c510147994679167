// The patterns of a replay: named on the command line, or beside the program. One thread, at start.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "signature/database.h"

namespace edgesentry::cli {

// `path` empty: the file beside the program; without one the result is nullptr, with a sentence on
// standard error. A file with faults is an error that names all of them. What was compiled is kept
// in the user's cache.
[[nodiscard]] base::Result<std::shared_ptr<const signature::Database>> open_patterns(
    const std::string& path);

}  // namespace edgesentry::cli
