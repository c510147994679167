#include "serve/metrics_server.h"

#include <fmt/format.h>
#include <prometheus/exposer.h>

#include <charconv>
#include <exception>
#include <utility>
#include <vector>

#include "base/ip.h"

namespace edgesentry::serve {
namespace {

base::Status check_listen(const std::string& listen) {
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
  return fault == std::errc() && rest == end ? base::Status() : wrong;
}

}  // namespace

MetricsServer::MetricsServer(std::unique_ptr<prometheus::Exposer> exposer)
    : exposer_(std::move(exposer)) {
  const std::vector<int> ports = exposer_->GetListeningPorts();
  if (!ports.empty()) port_ = static_cast<std::uint16_t>(ports.front());
}

MetricsServer::~MetricsServer() = default;

base::Result<std::unique_ptr<MetricsServer>> MetricsServer::start(
    const std::string& listen, const std::shared_ptr<prometheus::Collectable>& metrics) {
  if (base::Status valid = check_listen(listen); !valid.ok()) return valid.error();
  try {
    auto exposer = std::make_unique<prometheus::Exposer>(std::vector<std::string>{
        "listening_ports", listen, "num_threads", "2", "request_timeout_ms", "5000",
        "enable_keep_alive", "no", "listen_backlog", "16"});
    exposer->RegisterCollectable(metrics);
    return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(exposer)));
  } catch (const std::exception& fault) {
    return base::Error{fmt::format(
        "metrics.listen = \"{}\": cannot listen there ({}); is the port in use, or the address not "
        "this machine's? Choose another, or \"\" for no metrics",
        listen, fault.what())};
  }
}

}  // namespace edgesentry::serve
