#include "config/xdp.h"

#include <algorithm>

#include "config/device.h"

namespace edgesentry::config {

std::vector<std::string> xdp_interfaces(const Config& config) {
  const Enforce& enforce = config.enforce;
  const bool is_host = config.placement == Placement::host;
  if (enforce.xdp == Xdp::off || (enforce.xdp == Xdp::automatic && !is_host)) return {};
  std::vector<std::string> found = enforce.xdp_devices;
  if (found.empty() && is_host)
    for (const Segment& segment : config.segments) {
      // AF_XDP attaches a program of its own, and a device has room for one.
      if (segment.outside.starts_with("net_af_xdp")) continue;
      std::string name = kernel_interface(segment.outside);
      if (!name.empty()) found.push_back(std::move(name));
    }
  std::ranges::sort(found);
  found.erase(std::ranges::unique(found).begin(), found.end());
  return found;
}

}  // namespace edgesentry::config
