#include "store/standing_file.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <array>

namespace edgesentry::store {

namespace {

constexpr std::array kEndings = {"", "-wal", "-shm", "-journal"};

const char* kind_of(mode_t mode) noexcept {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return "a folder";
    case S_IFLNK:
      return "a symbolic link";
    case S_IFIFO:
      return "a named pipe";
    case S_IFSOCK:
      return "a socket";
    default:
      return "a device";
  }
}

std::string remedy(const std::string& file, mode_t mode) {
  if (S_ISLNK(mode))
    return fmt::format("remove the link (rm {}), and name the file itself in state.file", file);
  if (S_ISDIR(mode)) return fmt::format("move it away, or name a file in state.file");
  return fmt::format("remove it (rm {})", file);
}

}  // namespace

std::string not_a_file(const std::string& path) {
  for (const char* ending : kEndings) {
    const std::string file = path + ending;
    struct stat about {};
    if (::lstat(file.c_str(), &about) != 0 || S_ISREG(about.st_mode)) continue;
    return fmt::format("{} is {}, where a file has to be; {}", file, kind_of(about.st_mode),
                       remedy(file, about.st_mode));
  }
  return {};
}

std::string second_name(const std::string& path) {
  for (const char* ending : kEndings) {
    const std::string file = path + ending;
    struct stat about {};
    if (::lstat(file.c_str(), &about) != 0 || !S_ISREG(about.st_mode) || about.st_nlink < 2)
      continue;
    return fmt::format(
        "{} is a hard link: its file has {} names, and may be another's; remove this one "
        "(rm {})",
        file, about.st_nlink, file);
  }
  return {};
}

}  // namespace edgesentry::store
