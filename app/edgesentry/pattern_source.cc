#include "pattern_source.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "signature/pattern_file.h"

namespace edgesentry::cli {

namespace {

std::string in_lines(const std::vector<config::Problem>& problems) {
  std::string text;
  for (const config::Problem& problem : problems) {
    if (!text.empty()) text += '\n';
    text += problem.to_string();
  }
  return text;
}

// Compiling takes most of a second, so what was compiled is kept where a user's programs keep such
// things (XDG Base Directory Specification 0.8). Without a home nothing is kept.
std::string cache_path() {
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  std::filesystem::path folder;
  if (xdg != nullptr && *xdg == '/')
    folder = xdg;
  else if (home != nullptr && *home == '/')
    folder = std::filesystem::path(home) / ".cache";
  else
    return {};
  folder /= "edgesentry";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  return error ? std::string() : (folder / "patterns.hsdb").string();
}

}  // namespace

std::string find_patterns() {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return {};
  const fs::path folder = program.parent_path().parent_path();
  for (const char* place : {"share/edgesentry/patterns.toml", "config/patterns.toml"}) {
    const fs::path path = folder / place;
    if (fs::is_regular_file(path, error)) return path.string();
  }
  return {};
}

base::Result<std::shared_ptr<const signature::Database>> open_patterns(const std::string& path) {
  const std::string found = path.empty() ? find_patterns() : path;
  if (found.empty()) {
    fmt::print(stderr,
               "edgesentry: no patterns.toml beside the program, so payloads are not looked at; "
               "name the file with --patterns\n");
    return std::shared_ptr<const signature::Database>();
  }
  const signature::PatternFile file = signature::load_patterns(found);
  if (!file.usable()) return base::Error{in_lines(file.problems)};
  const std::string cache = cache_path();
  signature::Compiled compiled =
      cache.empty() ? signature::compile(file) : signature::open_cached(file, cache);
  if (compiled.database == nullptr) return base::Error{in_lines(compiled.problems)};
  return compiled.database;
}

}  // namespace edgesentry::cli
