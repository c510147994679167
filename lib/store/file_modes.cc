#include "store/file_modes.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace edgesentry::store {

std::string tighten(const std::string& path) {
  std::string note;
  for (const char* ending : {"-shm", "-wal", ""}) {
    const std::string file = path + ending;
    struct stat about {};
    if (::lstat(file.c_str(), &about) != 0 || !S_ISREG(about.st_mode)) continue;
    const mode_t had = about.st_mode & 07777U, wanted = had & kFileMode;
    if (had == wanted) continue;
    // Not by a descriptor of the file: closing it would end SQLite's locks on it.
    if (::fchmodat(AT_FDCWD, file.c_str(), wanted, AT_SYMLINK_NOFOLLOW) == 0)
      note =
          fmt::format("{} had mode {:04o}, which showed others who was blocked; it has {:04o} now",
                      file, had, wanted);
    else
      note = fmt::format(
          "{} has mode {:04o}, which shows others who was blocked, and it cannot be "
          "changed: {}; chmod {:o} it",
          file, had, std::strerror(errno), wanted);
  }
  return note;
}

}  // namespace edgesentry::store
