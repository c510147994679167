#include "serve/http_listener.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "config/listen_address.h"

namespace edgesentry::serve {
namespace {

constexpr int kBacklog = 512;

base::Error trouble(const std::string& place, int error) {
  return {
      fmt::format("api.listen = \"{}\": cannot listen there ({}); is the port in use, or the "
                  "address not this machine's? Choose another, or \"\" for no API",
                  place, std::strerror(error))};
}

int bind_to(int fd, const config::ListenAddress& place) {
  if (place.address.is_v4()) {
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(place.address.v4_value());
    here.sin_port = htons(place.port);
    return ::bind(fd, reinterpret_cast<const sockaddr*>(&here), sizeof(here));
  }
  sockaddr_in6 here{};
  here.sin6_family = AF_INET6;
  std::memcpy(&here.sin6_addr, place.address.bytes().data(), sizeof(here.sin6_addr));
  here.sin6_port = htons(place.port);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&here), sizeof(here));
}

}  // namespace

base::Result<std::unique_ptr<HttpListener>> HttpListener::listen(const std::string& place) {
  const auto address = config::parse_api_listen(place);
  if (!address) return base::Error{"api.listen = " + address.error().text};
  const int family = address.value().address.is_v4() ? AF_INET : AF_INET6;
  const int fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return trouble(place, errno);
  std::unique_ptr<HttpListener> listener(new HttpListener(fd));
  const int on = 1;  // what lingers of an ended run is in nobody's way
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind_to(fd, address.value()) != 0 || ::listen(fd, kBacklog) != 0)
    return trouble(place, errno);
  return listener;
}

HttpListener::~HttpListener() {
  if (fd_ >= 0) ::close(fd_);
}

int HttpListener::release() noexcept {
  return std::exchange(fd_, -1);
}

}  // namespace edgesentry::serve
