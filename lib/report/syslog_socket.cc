#include "report/syslog_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace edgesentry::report {

SyslogSocket::~SyslogSocket() {
  close();
}

void SyslogSocket::close() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

base::Status SyslogSocket::connect() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof(address.sun_path))
    return base::Error{fmt::format("syslog {}: the path is too long for a unix socket", path_)};
  std::memcpy(address.sun_path, path_.c_str(), path_.size());

  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return base::Error{fmt::format("syslog {}: no socket: {}", path_, std::strerror(errno))};
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    const int error = errno;
    ::close(fd);
    return base::Error{
        fmt::format("syslog {}: {}; start a syslog daemon, or set log.syslog = false", path_,
                    std::strerror(error))};
  }
  fd_ = fd;
  return {};
}

base::Status SyslogSocket::send_datagram(const char* data, std::size_t size) {
  // The second try is for a daemon that was restarted: its old socket is gone, the new one works.
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (fd_ < 0)
      if (base::Status connected = connect(); !connected.ok()) return connected;
    if (::send(fd_, data, size, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return {};
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
      return base::Error{
          fmt::format("syslog {}: the daemon does not read; it is tried again", path_)};
    close();
  }
  return base::Error{
      fmt::format("syslog {}: {}; check the syslog daemon", path_, std::strerror(errno))};
}

base::Status SyslogSocket::send(std::string& record) {
  while (!record.empty()) {
    const std::size_t newline = record.find('\n');
    const std::size_t size = newline == std::string::npos ? record.size() : newline;
    if (size > 0)
      if (base::Status sent = send_datagram(record.data(), size); !sent.ok()) return sent;
    record.erase(0, size + 1 <= record.size() ? size + 1 : size);
  }
  return {};
}

}  // namespace edgesentry::report
