#include "nic/kernel_link.h"

#include <fmt/format.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace edgesentry::nic {

namespace {

class Socket {
 public:
  Socket() noexcept : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

bool read_flags(const Socket& socket, unsigned index, ifreq& request) noexcept {
  std::memset(&request, 0, sizeof request);
  return ::if_indextoname(index, request.ifr_name) != nullptr &&
         ::ioctl(socket.get(), SIOCGIFFLAGS, &request) == 0;
}

}  // namespace

KernelLink read_kernel_link(unsigned index) noexcept {
  const Socket socket;
  ifreq request;
  if (!read_flags(socket, index, request)) return {};
  return {.is_there = true,
          .is_wanted = (request.ifr_flags & IFF_UP) != 0,
          .has_carrier = (request.ifr_flags & IFF_RUNNING) != 0};
}

base::Status set_kernel_link(unsigned index, bool is_up) {
  const Socket socket;
  ifreq request;
  if (!read_flags(socket, index, request))
    return base::Error{fmt::format("interface {} is gone", index)};
  const int flags = is_up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP;
  request.ifr_flags = static_cast<short>(flags);
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0) return {};
  return base::Error{fmt::format("interface {} cannot be taken {}: {}; this needs CAP_NET_ADMIN",
                                 request.ifr_name, is_up ? "up" : "down", std::strerror(errno))};
}

}  // namespace edgesentry::nic
