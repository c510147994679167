#include "store/file_lock.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "store/file_modes.h"

namespace edgesentry::store {

namespace {

constexpr int kTries = 3;  // it may be removed between opening and locking
constexpr int kFlags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

int open_or_make(const std::string& name, std::optional<uid_t> heir) {
  const int made = ::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | kFlags, kFileMode);
  if (made >= 0) {
    // Without it the lock holds all the same, and root opens it next time too.
    if (heir) static_cast<void>(::fchown(made, *heir, static_cast<gid_t>(-1)));
    return made;
  }
  const int there = ::open(name.c_str(), O_RDWR | kFlags);
  return there >= 0 ? there : ::open(name.c_str(), O_RDONLY | kFlags);
}

std::string holder(int fd) {
  std::array<char, 16> text{};
  const ssize_t count = ::pread(fd, text.data(), text.size(), 0);
  std::string number;
  for (ssize_t i = 0; i < count && text[static_cast<std::size_t>(i)] >= '0' &&
                      text[static_cast<std::size_t>(i)] <= '9';
       ++i)
    number += text[static_cast<std::size_t>(i)];
  return number.empty() ? "another process" : "process " + number;
}

// Only in a file that can be nobody else's: for the sentence of whoever comes second.
void write_our_number(int fd, const struct stat& about) {
  constexpr off_t kNumberMost = 16;
  if (about.st_nlink != 1 || about.st_size > kNumberMost) return;
  const std::string number = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd, 0) == 0)
    static_cast<void>(::pwrite(fd, number.data(), number.size(), 0) > 0);  // or without a name
}

}  // namespace

base::Result<FileLock> FileLock::take(const std::string& path, std::optional<uid_t> heir) {
  const std::string name = path + ".lock";
  for (int i = 0; i < kTries; ++i) {
    FileLock lock;
    lock.fd_ = open_or_make(name, heir);
    struct stat about {
    }, now{};
    if (!lock.is_held() || ::fstat(lock.fd_, &about) != 0 || !S_ISREG(about.st_mode))
      return FileLock();
    if (::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return FileLock();
      return base::Error{
          fmt::format("state.file: {} is in use by {}, which would lose its blocks; stop that one, "
                      "or name another file",
                      path, holder(lock.fd_))};
    }
    if (::lstat(name.c_str(), &now) != 0 || now.st_ino != about.st_ino) continue;
    write_our_number(lock.fd_, about);
    return lock;
  }
  return FileLock();
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace edgesentry::store
