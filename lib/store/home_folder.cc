#include "store/home_folder.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace edgesentry::store {

namespace {

constexpr mode_t kModeBits = 07777;

}  // namespace

void HomeFolder::remember(const std::string& file) {
  const std::string path = std::filesystem::path(file).parent_path().string();
  struct stat about {};
  if (path.empty() || ::stat(path.c_str(), &about) != 0 || !S_ISDIR(about.st_mode)) return;
  path_ = path;
  mode_ = about.st_mode & kModeBits;
  user_ = about.st_uid;
  group_ = about.st_gid;
}

std::string HomeFolder::bring_back() const {
  struct stat about {};
  if (path_.empty() || ::stat(path_.c_str(), &about) == 0 || errno != ENOENT) return {};
  if (::mkdir(path_.c_str(), mode_) != 0) {
    const int fault = errno;
    return fmt::format(
        "the folder {} is gone, and cannot be made again ({}): install -d -m {:o} -o {} -g {} {}; "
        "where Landlock is in force, or if that does not help within a second, start edgesentryd "
        "anew after it",
        path_, std::system_category().message(fault), mode_, user_, group_, path_);
  }
  // What fails here shows when the file is opened.
  const int fd = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return {};
  if (::fstat(fd, &about) == 0 && (about.st_uid != user_ || about.st_gid != group_))
    static_cast<void>(::fchown(fd, user_, group_));
  static_cast<void>(::fchmod(fd, mode_));
  ::close(fd);
  return {};
}

}  // namespace edgesentry::store
