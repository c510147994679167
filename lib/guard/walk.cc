#include "guard/walk.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <deque>
#include <filesystem>
#include <utility>

namespace edgesentry::guard {
namespace {

namespace fs = std::filesystem;

constexpr int kLinksMax = 40;  // as the kernel has it
constexpr mode_t kFolderMode = 0750;
constexpr int kHow = O_PATH | O_NOFOLLOW | O_CLOEXEC;

bool is_roots_alone(const struct stat& about) {
  return about.st_uid == 0 && (about.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

std::string target_of(int link) {
  std::array<char, PATH_MAX> text{};
  const ssize_t size = ::readlinkat(link, "", text.data(), text.size());
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

class Walk {
 public:
  explicit Walk(const fs::path& path) {
    push(path);
    start();
  }

  Folder go(bool makes) {
    while (!left_.empty() && at_.place.get() >= 0)
      if (!step(makes)) return {};
    return std::move(at_);
  }

 private:
  void push(const fs::path& path) {
    std::deque<std::string> parts;
    for (const fs::path& part : path.relative_path())
      if (!part.empty() && part != ".") parts.push_back(part);
    left_.insert(left_.begin(), parts.begin(), parts.end());
  }

  void start() {
    at_ = Folder{.place = Descriptor(::open("/", kHow | O_DIRECTORY)), .name = "/"};
    if (::fstat(at_.place.get(), &at_.about) != 0) at_ = {};
  }

  bool step(bool makes) {
    const std::string name = std::move(left_.front());
    left_.pop_front();
    Folder next{.name = name};
    next.place = Descriptor(::openat(at_.place.get(), name.c_str(), kHow));
    if (next.place.get() < 0 && errno == ENOENT && makes && left_.empty()) {
      next.is_made = ::mkdirat(at_.place.get(), name.c_str(), kFolderMode) == 0;
      next.place = Descriptor(::openat(at_.place.get(), name.c_str(), kHow));
    }
    if (next.place.get() < 0 || ::fstat(next.place.get(), &next.about) != 0) return false;
    if (S_ISLNK(next.about.st_mode)) return follow(next.place.get());
    if (!S_ISDIR(next.about.st_mode)) return false;
    at_ = std::move(next);
    return true;
  }

  bool follow(int link) {
    if (++links_ > kLinksMax || !is_roots_alone(at_.about)) return false;
    const std::string target = target_of(link);
    if (target.empty()) return false;
    push(target);
    if (target.front() == '/') start();
    return true;
  }

  std::deque<std::string> left_;
  Folder at_;
  int links_ = 0;
};

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}
Descriptor::Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Folder walk_to(const std::string& path, bool makes) {
  if (!path.starts_with('/')) return {};
  return Walk(path).go(makes);
}

}  // namespace edgesentry::guard
