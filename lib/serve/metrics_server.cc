#include "serve/metrics_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <prometheus/exposer.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

#include "base/ip.h"

namespace edgesentry::serve {
namespace {

// A connection holds a thread until its request has come, or for silence_max: fewer silent ones
// than threads delay no scrape, and as many again delay it by silence_max.
constexpr const char* kThreads = "16";

struct Place {
  std::uint32_t address = 0;  // host byte order
  std::uint16_t port = 0;
};

base::Result<Place> parse_listen(const std::string& listen) {
  const base::Error wrong{fmt::format(
      "metrics.listen = \"{}\": not an IPv4 address and a port; write it as \"127.0.0.1:9465\"",
      listen)};
  const std::size_t colon = listen.rfind(':');
  if (colon == std::string::npos) return wrong;
  const auto host = base::Ip::parse(std::string_view(listen).substr(0, colon));
  if (!host || !host->is_v4() || listen.find("::") != std::string::npos) return wrong;
  std::uint16_t port = 0;
  const char* end = listen.data() + listen.size();
  const auto [rest, fault] = std::from_chars(listen.data() + colon + 1, end, port);
  if (fault != std::errc() || rest != end) return wrong;
  return Place{host->v4_value(), port};
}

base::Error cannot_listen(const std::string& listen, const char* why) {
  return {fmt::format(
      "metrics.listen = \"{}\": cannot listen there ({}); is the port in use, or the address not "
      "this machine's? Choose another, or \"\" for no metrics",
      listen, why)};
}

sockaddr_in ipv4_address(const Place& place) noexcept {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_addr.s_addr = htonl(place.address);
  out.sin_port = htons(place.port);
  return out;
}

// A connection that is closed again at once. Whether it comes about does not matter.
void knock(std::uint32_t address, std::uint16_t port) noexcept {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  const sockaddr_in there = ipv4_address({address, port});
  static_cast<void>(::connect(fd, reinterpret_cast<const sockaddr*>(&there), sizeof(there)));
  ::close(fd);
}

}  // namespace

MetricsServer::MetricsServer(std::unique_ptr<prometheus::Exposer> exposer, std::uint32_t address)
    : exposer_(std::move(exposer)), address_(address) {
  const std::vector<int> ports = exposer_->GetListeningPorts();
  if (!ports.empty()) port_ = static_cast<std::uint16_t>(ports.front());
}

// civetweb's accepting thread sleeps for two seconds between looks at whether it shall end, unless
// somebody connects: so somebody does, until it has ended.
MetricsServer::~MetricsServer() {
  std::jthread waker([this](const std::stop_token& ended) {
    while (!ended.stop_requested()) {
      knock(address_, port_);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  });
  exposer_.reset();
}

base::Status MetricsServer::check(const std::string& listen) {
  const auto place = parse_listen(listen);
  if (!place) return place.error();
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return cannot_listen(listen, std::strerror(errno));
  const int on = 1;  // as civetweb: what lingers of an ended run is in nobody's way
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const sockaddr_in here = ipv4_address(place.value());
  const bool is_free = ::bind(fd, reinterpret_cast<const sockaddr*>(&here), sizeof(here)) == 0 &&
                       ::listen(fd, 1) == 0;
  const int error = errno;
  ::close(fd);
  return is_free ? base::Status() : cannot_listen(listen, std::strerror(error));
}

base::Result<std::unique_ptr<MetricsServer>> MetricsServer::start(
    const std::string& listen, const std::shared_ptr<prometheus::Collectable>& metrics,
    std::chrono::milliseconds silence_max) {
  const auto place = parse_listen(listen);
  if (!place) return place.error();
  try {
    auto exposer = std::make_unique<prometheus::Exposer>(std::vector<std::string>{
        "listening_ports", listen, "num_threads", kThreads, "request_timeout_ms",
        std::to_string(silence_max.count()), "enable_keep_alive", "no", "connection_queue", "64",
        "listen_backlog", "64"});
    exposer->RegisterCollectable(metrics);
    return std::unique_ptr<MetricsServer>(
        new MetricsServer(std::move(exposer), place.value().address));
  } catch (const std::exception& fault) {
    return cannot_listen(listen, fault.what());
  }
}

}  // namespace edgesentry::serve
