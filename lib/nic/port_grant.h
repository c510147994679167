// What a port's driver offers and what it grants now, in words: for people who ask why packets are
// handed over, or whether a better NIC would help.
//
// Main, after the port was opened. A driver that does not answer grants nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nic/port.h"

namespace edgesentry::nic {

struct PortGrant {
  std::uint16_t rx_queues_max = 0, tx_queues_max = 0;
  std::vector<std::string> rss;          // "ipv4", "ipv6", "source_only", "ipv6_prefix_64", ...
  std::vector<std::string> rss_offered;  // the same, of what the driver could hash on
  std::vector<std::string> rx_checksum;  // "ipv4", "udp", "tcp", "sctp": could be checked
};

[[nodiscard]] PortGrant read_grant(const Port& port);

}  // namespace edgesentry::nic
