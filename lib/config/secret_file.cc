#include "config/secret_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace edgesentry::config {
namespace {

namespace fs = std::filesystem;

constexpr int kLinksMax = 8;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

bool is_trusted(uid_t owner, std::optional<uid_t> heir) {
  return owner == 0 || owner == ::geteuid() || owner == heir;
}

// Why somebody else could put another file into this folder; empty: nobody can.
std::string trouble_with(const fs::path& folder, std::optional<uid_t> heir) {
  struct stat about {};
  if (::stat(folder.c_str(), &about) != 0)
    return fmt::format(
        "leads through {}, which cannot be looked at: {}; name a file in a folder that can",
        folder.string(), std::strerror(errno));
  if (!is_trusted(about.st_uid, heir))
    return fmt::format(
        "leads through {}, which belongs to user {}, who could exchange the file; chown root {}, "
        "or keep the file elsewhere",
        folder.string(), about.st_uid, folder.string());
  // The sticky bit does not help: whoever is first makes the file.
  if ((about.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return fmt::format(
        "leads through {}, which others can write to; chmod go-w {}, or keep the file elsewhere",
        folder.string(), folder.string());
  return {};
}

// Follows links by hand, because each of them stands in a folder of its own.
base::Result<fs::path> follow(const std::string& path, std::optional<uid_t> heir) {
  fs::path at = path;
  for (int links = 0; links < kLinksMax; ++links) {
    if (std::string trouble = trouble_with(at.parent_path(), heir); !trouble.empty())
      return base::Error{std::move(trouble)};
    std::error_code fault;
    const fs::path target = fs::read_symlink(at, fault);
    if (fault) return at;  // no link, or nothing at all, which opening it tells
    at = target.is_absolute() ? target : at.parent_path() / target;
  }
  return base::Error{"leads through too many symbolic links; name the file itself"};
}

std::string trouble_with(const struct stat& about, std::optional<uid_t> heir) {
  if (!S_ISREG(about.st_mode)) return "is not a regular file; name the file that holds the secret";
  if (!is_trusted(about.st_uid, heir))
    return fmt::format("belongs to user {}, not to root or the user who runs this; chown it",
                       about.st_uid);
  if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return fmt::format("has mode {:04o}, so that others get at it; chmod 600 it",
                       about.st_mode & 07777u);
  if (about.st_size == 0) return "is empty; write the secret into it";
  return {};
}

base::Result<std::string> read_all(int fd) {
  std::array<char, kSecretBytesMax + 1> bytes;
  std::size_t size = 0;
  std::string text;
  while (size < bytes.size()) {
    const ssize_t got = ::read(fd, bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::Error{fmt::format("cannot be read: {}", std::strerror(errno))};
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size <= kSecretBytesMax) text.assign(bytes.data(), size);
  ::explicit_bzero(bytes.data(), bytes.size());
  if (size > kSecretBytesMax)
    return base::Error{
        fmt::format("is larger than {} bytes; name the file that was meant", kSecretBytesMax)};
  return text;
}

base::Result<std::string> read_checked(const std::string& path, std::optional<uid_t> heir) {
  if (!path.starts_with('/') || path.find('\0') != std::string::npos)
    return base::Error{"is not an absolute path; begin it with /"};
  const auto file = follow(path, heir);
  if (!file) return file.error();
  const Descriptor opened(
      ::open(file.value().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (opened.get() < 0)
    return base::Error{fmt::format(
        "cannot be opened: {}; {}", std::strerror(errno),
        errno == EACCES ? "let its owner be the user who runs this" : "name a file that is there")};
  struct stat about {};
  if (::fstat(opened.get(), &about) != 0)
    return base::Error{fmt::format("cannot be looked at: {}", std::strerror(errno))};
  if (std::string trouble = trouble_with(about, heir); !trouble.empty())
    return base::Error{std::move(trouble)};
  return read_all(opened.get());
}

}  // namespace

base::Result<std::string> read_secret_file(const std::string& key, const std::string& path,
                                           std::optional<uid_t> heir) {
  auto text = read_checked(path, heir);
  if (!text) return base::Error{fmt::format("{}: {} {}", key, path, text.error().text)};
  return text;
}

}  // namespace edgesentry::config
