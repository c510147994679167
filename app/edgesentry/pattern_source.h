// Where the patterns of payloads are: named on the command line, or beside the program.
//
// An installed program finds them in ../share/edgesentry, one that was just built in ../config of
// its build folder: both are asked for by the place of the program itself, so that a tree may be
// moved. One thread, at start.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "signature/database.h"

namespace edgesentry::cli {

// Empty: there is no such file.
[[nodiscard]] std::string find_patterns();

// `path` empty: the file beside the program; without one the result is nullptr, with a sentence on
// standard error. A file with faults is an error that names all of them.
[[nodiscard]] base::Result<std::shared_ptr<const signature::Database>> open_patterns(
    const std::string& path);

}  // namespace edgesentry::cli
