#include "payload/login_ports.h"

namespace edgesentry::payload {

bool refuses_everybody(std::string_view service) noexcept {
  return service == "http" || service == "redis" || needs_offer(service);
}

bool needs_offer(std::string_view service) noexcept {
  return service == "http-bare";
}

std::vector<std::uint8_t> login_ports(std::span<const signature::Pattern> patterns) {
  std::vector<std::uint8_t> ports(std::size_t{UINT16_MAX} + 1);
  for (const signature::Pattern& pattern : patterns) {
    if (pattern.kind != signature::Kind::login_failed || pattern.any_port) continue;
    for (std::uint32_t port = 1; port <= UINT16_MAX; ++port)
      if (pattern.takes(static_cast<std::uint16_t>(port)))
        ports[port] |= refuses_everybody(pattern.service) ? kRefusesEverybody : kRefuses;
  }
  return ports;
}

}  // namespace edgesentry::payload
