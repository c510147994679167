#include "report/append_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace edgesentry::report {

AppendFile::~AppendFile() {
  close();
}

void AppendFile::close() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

base::Error AppendFile::trouble(const char* what, int error, const char* remedy) const {
  return {fmt::format("log file {}: {}: {}; {}", path_, what, std::strerror(error), remedy)};
}

base::Status AppendFile::send(std::string& record) {
  if (base::Status ready = make_ready(); !ready.ok()) return ready;
  while (!record.empty()) {
    const ssize_t count = ::write(fd_, record.data(), record.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0)
      return trouble("cannot be written", errno, "it is tried again; free space or move the log");
    record.erase(0, static_cast<std::size_t>(count));
    inside_record_ = !record.empty();
  }
  return {};
}

base::Status AppendFile::make_ready() {
  // A record that was begun is finished in the same file, wherever that has been moved to.
  if (fd_ >= 0 && !inside_record_ && was_rotated()) close();
  return fd_ >= 0 ? base::Status() : open();
}

bool AppendFile::was_rotated() const {
  struct stat named {};
  struct stat opened {};
  if (::lstat(path_.c_str(), &named) != 0 || ::fstat(fd_, &opened) != 0) return true;
  return named.st_ino != opened.st_ino || named.st_dev != opened.st_dev;
}

base::Status AppendFile::open() {
  std::error_code made;
  const std::filesystem::path parent = std::filesystem::path(path_).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, made);
  if (made) return trouble("its directory cannot be made", made.value(), "create it by hand");

  // O_NONBLOCK: a FIFO in this place must not hang the thread before it is recognised below.
  constexpr int kFlags =
      O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
  const int fd = ::open(path_.c_str(), kFlags, 0640);
  if (fd < 0 && errno == ELOOP)
    return base::Error{fmt::format(
        "log file {}: is a symbolic link, which is not followed; name the real file", path_)};
  if (fd < 0) return trouble("cannot be opened", errno, "check its path and permissions");

  struct stat facts {};
  if (::fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) {
    ::close(fd);
    return base::Error{fmt::format("log file {}: is not a regular file; name another", path_)};
  }
  fd_ = fd;
  char last = '\n';
  if (facts.st_size > 0 && ::pread(fd, &last, 1, facts.st_size - 1) == 1 && last != '\n') {
    if (::write(fd, "\n", 1) != 1) {
      const int error = errno;
      close();
      return trouble("cannot be written", error, "it is tried again; free space or move the log");
    }
  }
  inside_record_ = false;
  return {};
}

}  // namespace edgesentry::report
