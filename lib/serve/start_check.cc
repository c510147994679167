#include "serve/start_check.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <microhttpd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace edgesentry::serve {
namespace {

void keep_complaint(void* cls, const char* format, std::va_list arguments) {
  std::array<char, 256> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  std::string& complaint = *static_cast<std::string*>(cls);
  complaint = text.data();
  while (complaint.ends_with('\n')) complaint.pop_back();
}

int bind_to(int fd, const config::ListenAddress& place, std::uint16_t port) {
  if (place.address.is_v4()) {
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(place.address.v4_value());
    here.sin_port = htons(port);
    return ::bind(fd, reinterpret_cast<const sockaddr*>(&here), sizeof(here));
  }
  sockaddr_in6 here{};
  here.sin6_family = AF_INET6;
  std::memcpy(&here.sin6_addr, place.address.bytes().data(), sizeof(here.sin6_addr));
  here.sin6_port = htons(port);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&here), sizeof(here));
}

}  // namespace

base::Status check_tls(const std::string& certificate, const std::string& key) {
  std::string complaint;
  MHD_Daemon* daemon = MHD_start_daemon(
      MHD_USE_TLS | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG, 0, nullptr, nullptr,
      [](auto...) { return MHD_NO; }, nullptr, MHD_OPTION_EXTERNAL_LOGGER, &keep_complaint,
      &complaint, MHD_OPTION_HTTPS_MEM_CERT, certificate.c_str(), MHD_OPTION_HTTPS_MEM_KEY,
      key.c_str(), MHD_OPTION_END);
  if (daemon != nullptr) {
    MHD_stop_daemon(daemon);
    return {};
  }
  return base::Error{fmt::format(
      "api.tls_certificate, api.tls_key: TLS does not start with them ({}); name PEM files that "
      "belong together",
      complaint.empty() ? "no reason is given" : complaint)};
}

base::Status check_place(const std::string& key, const config::ListenAddress& place,
                         bool is_port_ours) {
  const int fd =
      ::socket(place.address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int error = errno;
  if (fd >= 0) {
    const int on = 1;  // what lingers of an ended run is in nobody's way
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    error = bind_to(fd, place, is_port_ours ? 0 : place.port) == 0 ? 0 : errno;
    ::close(fd);
  }
  if (error == 0) return {};
  return base::Error{fmt::format(
      "{}: nobody can listen on {} port {} ({}); {}", key, place.address.to_string(), place.port,
      std::strerror(error),
      error == EADDRINUSE ? "choose another port" : "choose an address of this machine")};
}

}  // namespace edgesentry::serve
