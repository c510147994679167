#include "pattern_source.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include "signature/pattern_source.h"

namespace edgesentry::cli {

namespace {

// Compiling takes most of a second, so what was compiled is kept where a user's programs keep such
// things (XDG Base Directory Specification 0.8). Without a home nothing is kept.
std::string cache_folder() {
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  if (xdg != nullptr && *xdg == '/') return std::string(xdg) + "/edgesentry";
  if (home != nullptr && *home == '/') return std::string(home) + "/.cache/edgesentry";
  return {};
}

}  // namespace

base::Result<std::shared_ptr<const signature::Database>> open_patterns(const std::string& path) {
  const signature::OpenedPatterns opened =
      signature::open_patterns({.path = path, .cache_folder = cache_folder()});
  if (!opened.problems.empty()) return base::Error{opened.problem_lines()};
  if (opened.path.empty())
    fmt::print(stderr,
               "edgesentry: no patterns.toml beside the program, so payloads are not looked at; "
               "name the file with --patterns\n");
  return opened.database;
}

}  // namespace edgesentry::cli
