// Files and programs that this machine has not got. Warnings: the configuration may be checked on
// another machine than it is for, and the daemon goes on without a log, saying so.
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "config/validate.h"

namespace edgesentry::config {

namespace {

namespace fs = std::filesystem;

// Why no file can be made in this folder; empty: it can, or who asks may not know.
std::string trouble_with_folder(const fs::path& folder) {
  struct stat found {};
  if (::stat(folder.c_str(), &found) != 0)
    return errno == EACCES ? "" : fmt::format("{}: {}", folder.string(), std::strerror(errno));
  return S_ISDIR(found.st_mode) ? "" : folder.string() + " is not a directory";
}

using Problems = std::vector<Problem>;

void warn(const Origins& origins, const std::string& key, std::string fault, std::string remedy,
          Problems& problems) {
  Problem problem = about(origins, key, std::move(fault), std::move(remedy));
  problem.fatal = false;
  problems.push_back(std::move(problem));
}

void check_log(const Origins& origins, const std::string& key, const std::string& path,
               Problems& problems) {
  if (!path.starts_with('/') || !origins.gives(key)) return;
  const fs::path folder = fs::path(path).parent_path();
  const std::string trouble = trouble_with_folder(folder);
  if (trouble.empty()) return;
  warn(origins, key, trouble + ", so that nothing would be written",
       "Make the folder with: mkdir -p " + folder.string(), problems);
}

}  // namespace

void validate_places(const Config& config, const Origins& origins, std::vector<Problem>& problems) {
  check_log(origins, "log.portsentry_file", config.log.portsentry_file, problems);
  check_log(origins, "log.json_file", config.log.json_file, problems);
  // The last folder is made by the daemon.
  const fs::path state = config.state.file;
  if (state.is_absolute() && origins.gives("state.file")) {
    const std::string trouble = trouble_with_folder(state.parent_path().parent_path());
    if (!trouble.empty())
      warn(origins, "state.file", trouble + ", so that blocks would end with the process",
           "Make the folder, or name a file in one that is there", problems);
  }
  const std::string program =
      config.log.block_command.substr(0, config.log.block_command.find_first_of(" \t"));
  if (!program.starts_with('/') || !origins.gives("log.block_command")) return;
  if (::access(program.c_str(), X_OK) != 0 && errno != EACCES)
    warn(origins, "log.block_command", fmt::format("{}: {}", program, std::strerror(errno)),
         "Name a program that is there, with its whole path", problems);
  else if (fs::is_directory(program))
    warn(origins, "log.block_command", program + " is a directory", "Name the program in it",
         problems);
}

}  // namespace edgesentry::config
