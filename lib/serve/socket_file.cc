#include "serve/socket_file.h"

#include <fmt/format.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace edgesentry::serve {
namespace {

constexpr int kBacklog = 64;

std::optional<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) return std::nullopt;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  return address;
}

int open_socket() {
  return ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

// A connection that has to wait is answered too: the server is alive but busy.
bool answers(const sockaddr_un& address) {
  const int fd = open_socket();
  if (fd < 0) return true;
  const bool connected =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ||
      errno == EAGAIN || errno == EINPROGRESS;
  ::close(fd);
  return connected;
}

base::Error bad_length(const std::string& path) {
  return {fmt::format("control.socket \"{}\": a unix socket's path has 1 to {} bytes; name another",
                      path, sizeof(sockaddr_un::sun_path) - 1)};
}

base::Error not_a_socket(const std::string& path) {
  return {fmt::format(
      "control.socket {}: something else is there, not a socket; remove it or name another path",
      path)};
}

base::Status make_way(const std::string& path, const sockaddr_un& address) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return {};
  if (!S_ISSOCK(found.st_mode)) return not_a_socket(path);
  if (answers(address))
    return base::Error{fmt::format(
        "control.socket {}: another instance answers there; stop it or name another path", path)};
  struct stat again {};
  const bool is_same = ::lstat(path.c_str(), &again) == 0 && again.st_ino == found.st_ino &&
                       again.st_dev == found.st_dev;
  if (is_same && ::unlink(path.c_str()) != 0 && errno != ENOENT)
    return base::Error{fmt::format("control.socket {}: the old socket cannot be removed: {}", path,
                                   std::strerror(errno))};
  return {};
}

std::optional<gid_t> find_group(const std::string& name) {
  std::vector<char> buffer(1 << 16);
  group entry{};
  group* found = nullptr;
  if (::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
      found == nullptr)
    return std::nullopt;
  return entry.gr_gid;
}

}  // namespace

base::Error SocketFile::trouble(const char* what, int error, const char* remedy) const {
  return {fmt::format("control.socket {}: {}: {}; {}", path_, what, std::strerror(error), remedy)};
}

base::Status SocketFile::check(const std::string& path, bool& is_alive) {
  is_alive = false;
  const std::optional<sockaddr_un> address = address_of(path);
  if (!address) return bad_length(path);
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return {};
  if (!S_ISSOCK(found.st_mode)) return not_a_socket(path);
  is_alive = answers(*address);
  return {};
}

base::Result<std::unique_ptr<SocketFile>> SocketFile::listen(const std::string& path,
                                                             const std::string& group) {
  const std::optional<sockaddr_un> address = address_of(path);
  if (!address) return bad_length(path);
  std::error_code made;
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, made);
  if (made)
    return base::Error{
        fmt::format("control.socket {}: its directory cannot be made: {}", path, made.message())};
  if (base::Status free = make_way(path, *address); !free.ok()) return free.error();

  const int fd = open_socket();
  if (fd < 0) return base::Error{fmt::format("control.socket {}: {}", path, std::strerror(errno))};
  std::unique_ptr<SocketFile> file(new SocketFile(path, fd));
  if (base::Status ready = file->bind_and_listen(group); !ready.ok()) return ready.error();
  return file;
}

base::Status SocketFile::bind_and_listen(const std::string& group) {
  std::optional<gid_t> gid;
  if (!group.empty() && !(gid = find_group(group)))
    return base::Error{fmt::format(
        "control.socket_group = \"{}\": there is no such group; create it or leave this empty",
        group)};
  const sockaddr_un address = *address_of(path_);
  // Linux gives the file the mode of the socket, so it is never open to others, not even shortly.
  if (::fchmod(fd_, 0600) != 0) return trouble("no mode can be set", errno, "report this kernel");
  if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return trouble("cannot be made", errno, "check its directory and permissions");
  struct stat facts {};
  if (::lstat(path_.c_str(), &facts) != 0)
    return trouble("has vanished", errno, "check what else works in its directory");
  is_bound_ = true;
  device_ = facts.st_dev;
  inode_ = facts.st_ino;
  if (gid && (::lchown(path_.c_str(), static_cast<uid_t>(-1), *gid) != 0 ||
              ::chmod(path_.c_str(), 0660) != 0))
    return trouble("cannot be given to its group", errno, "run as root or as a member of it");
  // Only from here on can anybody connect.
  if (::listen(fd_, kBacklog) != 0) return trouble("cannot listen", errno, "name another path");
  return {};
}

SocketFile::~SocketFile() {
  ::close(fd_);
  struct stat facts {};
  const bool is_ours = is_bound_ && ::lstat(path_.c_str(), &facts) == 0 &&
                       facts.st_dev == device_ && facts.st_ino == inode_;
  if (is_ours) ::unlink(path_.c_str());
}

}  // namespace edgesentry::serve
