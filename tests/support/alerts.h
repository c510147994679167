// Alerts as a worker would send them, for tests of policy and control.
#pragma once

#include <string_view>

#include "base/check.h"
#include "base/ip.h"
#include "scan/alert.h"

namespace edgesentry::test {

inline base::Ip ip(std::string_view text) {
  const auto parsed = base::Ip::parse(text);
  EDGESENTRY_CHECK(parsed.has_value(), "tests write valid addresses");
  return *parsed;
}

// The source number `n` of 16 million in 10.0.0.0/8, none of them special.
inline base::Ip attacker(std::uint32_t n) {
  return base::Ip::v4(0x0a000000u + n);
}

inline scan::Alert alert_of(const base::Ip& source, base::Micros now) {
  scan::Alert alert;
  alert.source = source;
  alert.targets[0] = ip("203.0.113.9");
  alert.last_target = alert.targets[0];
  for (std::uint16_t i = 0; i < 15; ++i) alert.ports[i] = static_cast<std::uint16_t>(20 + i);
  alert.port_count = 15;
  alert.target_count = 1;
  alert.probes = 16;
  alert.failures = 15;
  alert.first_seen = {now.value > 3'000'000 ? now.value - 3'000'000 : 0};
  alert.last_seen = now;
  alert.last_port = 34;
  alert.protocol = 6;
  alert.reason = scan::Reason::many_ports;
  return alert;
}

}  // namespace edgesentry::test
