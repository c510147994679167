// /metrics over HTTP by prometheus-cpp's Exposer: IPv4, never TLS (its HTTP server in Debian 12
// crashes on the first TLS request), sixteen threads, a bounded queue. Owned by main.
//
// A connection that sends no whole request within silence_max is closed, so that silent ones cannot
// keep the threads from a scrape.
#pragma once

#include <prometheus/collectable.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace prometheus {
class Exposer;
}

namespace edgesentry::serve {

inline constexpr std::chrono::milliseconds kSilenceMax{2000};

class MetricsServer {
 public:
  // `listen` is "HOST:PORT" with an IPv4 address; port 0 takes a free one.
  // Whether start() would find the place free, told without taking it.
  [[nodiscard]] static base::Status check(const std::string& listen);
  static base::Result<std::unique_ptr<MetricsServer>> start(
      const std::string& listen, const std::shared_ptr<prometheus::Collectable>& metrics,
      std::chrono::milliseconds silence_max = kSilenceMax);
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
  MetricsServer(std::unique_ptr<prometheus::Exposer> exposer, std::uint32_t address);

  std::unique_ptr<prometheus::Exposer> exposer_;
  std::uint32_t address_;  // host byte order
  std::uint16_t port_ = 0;
};

}  // namespace edgesentry::serve
