#include "signature/pattern_source.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "signature/pattern_file.h"

namespace edgesentry::signature {
namespace {

// Without a place to keep it, what was compiled is compiled again at the next start: no failure.
Compiled compile_for(const PatternFile& file, const std::string& cache_folder) {
  if (cache_folder.empty()) return compile(file);
  std::error_code error;
  std::filesystem::create_directories(cache_folder, error);
  if (!error) return open_cached(file, cache_folder + "/patterns.hsdb");
  Compiled compiled = compile(file);
  compiled.notice = fmt::format(
      "{}: cannot be made: {}; patterns are compiled at each start until it can: give the user who "
      "runs this a folder to write, or set payload.cache = \"\"",
      cache_folder, error.message());
  return compiled;
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

std::string OpenedPatterns::problem_lines() const {
  std::string text;
  for (const config::Problem& problem : problems) {
    if (!text.empty()) text += '\n';
    text += problem.to_string();
  }
  return text;
}

OpenedPatterns open_patterns(const PatternRequest& request) {
  OpenedPatterns opened;
  opened.path = request.path.empty() ? find_patterns() : request.path;
  if (opened.path.empty()) {
    opened.trouble =
        "no patterns.toml beside the program, so payloads are not looked at; name the file";
    opened.notices.push_back(opened.trouble);
    return opened;
  }
  const PatternFile file = load_patterns(opened.path);
  opened.fingerprint = file.fingerprint;
  opened.is_in_force =
      request.in_force != 0 && file.usable() && file.fingerprint == request.in_force;
  if (opened.is_in_force) return opened;
  Compiled compiled = compile_for(file, request.cache_folder);
  if (!request.cache_folder.empty() && !compiled.is_kept) opened.trouble = compiled.notice;
  if (!compiled.notice.empty()) opened.notices.push_back(std::move(compiled.notice));
  opened.problems = std::move(compiled.problems);
  if (compiled.database != nullptr && request.is_verified)
    opened.problems = verify(file, compiled.database);
  if (compiled.database != nullptr && opened.problems.empty())
    opened.database = std::move(compiled.database);
  else if (opened.problems.empty())
    opened.problems.push_back({opened.path, 0, 0, "", "holds no pattern",
                               "Add one, or turn "
                               "payloads off: [payload] enabled = false"});
  return opened;
}

}  // namespace edgesentry::signature
