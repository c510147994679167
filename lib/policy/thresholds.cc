#include "policy/thresholds.h"

#include <utility>
#include <vector>

namespace edgesentry::policy {

scan::Thresholds thresholds_of(const config::Detect& detect) noexcept {
  const auto micros = [](std::chrono::microseconds duration) {
    return base::Micros{static_cast<std::uint64_t>(duration.count())};
  };
  scan::Thresholds thresholds;
  thresholds.scan_trigger = detect.scan_trigger;
  thresholds.abnormal = detect.abnormal;
  thresholds.sequential = scan::sequential_test({.false_positive = detect.false_positive,
                                                 .detection = detect.detection,
                                                 .benign_success = detect.benign_success,
                                                 .scanner_success = detect.scanner_success});
  thresholds.vertical_ports = detect.vertical_ports;
  thresholds.horizontal_targets = detect.horizontal_targets;
  thresholds.window = micros(detect.window);
  thresholds.answer_timeout = micros(detect.answer_timeout);
  thresholds.login_failures = detect.login_failures;
  thresholds.login_window = micros(detect.login_window);
  return thresholds;
}

scan::DeclaredServices services_of(const config::Networks& networks) {
  const auto class_of = [](config::Transport transport) {
    return transport == config::Transport::tcp   ? scan::PortClass::tcp
           : transport == config::Transport::udp ? scan::PortClass::udp
                                                 : scan::PortClass::sctp;
  };
  std::vector<scan::DeclaredService> services;
  services.reserve(networks.services.size());
  for (const config::Service& service : networks.services)
    services.push_back({service.where, class_of(service.transport), service.ports});
  return scan::DeclaredServices(std::move(services));
}

}  // namespace edgesentry::policy
