// The services that the operator says live: they count as learned ones do, from the first packet
// on. Built once off the packet path, then read by workers when a suspect makes a new contact: a
// walk over at most kMax prefixes, no allocation.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/ip.h"
#include "base/port_set.h"
#include "scan/touch.h"

namespace edgesentry::scan {

struct DeclaredService {
  base::Prefix where;
  PortClass port_class = PortClass::tcp;
  base::PortSet ports;
};

class DeclaredServices {
 public:
  static constexpr std::size_t kMax = 256;  // of 8 KiB each, for its ports

  DeclaredServices() = default;
  explicit DeclaredServices(std::vector<DeclaredService> services) : all_(std::move(services)) {
    EDGESENTRY_CHECK(all_.size() <= kMax, "the configuration takes no more");
  }

  [[nodiscard]] bool contains(const base::Ip& target, std::uint16_t port,
                              PortClass port_class) const noexcept {
    return std::any_of(all_.begin(), all_.end(), [&](const DeclaredService& service) {
      return service.port_class == port_class && service.ports.contains(port) &&
             service.where.contains(target);
    });
  }

 private:
  std::vector<DeclaredService> all_;
};

}  // namespace edgesentry::scan
