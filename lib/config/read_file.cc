#include "config/read_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace edgesentry::config {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

FileText refuse(const std::string& path, std::string fault, std::string remedy) {
  Problem problem;
  problem.file = path;
  problem.fault = std::move(fault);
  problem.remedy = std::move(remedy);
  return {{}, std::move(problem)};
}

FileText cannot(const std::string& path, const char* verb, int code) {
  std::string remedy = "Look at the file and the disk it is on";
  if (code == ENOENT || code == ENOTDIR) {
    remedy = "Write the file, or give the right path";
  } else if (code == EACCES || code == EPERM) {
    remedy = "Give the user who runs this the right to read it";
  }
  return refuse(path, fmt::format("cannot be {}: {}", verb, std::strerror(code)), remedy);
}

}  // namespace

FileText read_file(const std::string& path, std::size_t bytes_max) {
  // An embedded zero would make the kernel open another file than the messages name.
  if (path.empty() || path.find('\0') != std::string::npos)
    return refuse(path, "the path is empty or holds a zero byte", "Give the path of a file");
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) return cannot(path, "opened", errno);
  struct stat about {};
  if (fstat(file.get(), &about) != 0) return cannot(path, "read", errno);
  if (S_ISDIR(about.st_mode))
    return refuse(path, "is a directory", "Give the path of a file in it");
  if (!S_ISREG(about.st_mode))
    return refuse(path, "is not a regular file", "Give the path of a text file");

  FileText file_text;
  std::array<char, 16'384> piece{};
  while (true) {
    const ssize_t got = read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot(path, "read", errno);
    if (got == 0) return file_text;
    file_text.text.append(piece.data(), static_cast<std::size_t>(got));
    if (file_text.text.size() > bytes_max)
      return refuse(path, fmt::format("is larger than {} KiB", bytes_max / 1024),
                    "Give the path of the file that was meant");
  }
}

}  // namespace edgesentry::config
