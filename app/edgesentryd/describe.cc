#include "edgesentryd/describe.h"

#include <fmt/format.h>

#include "config/xdp.h"
#include "edgesentryd/controller.h"

namespace edgesentry::appliance {

std::string describe(const config::Config& config, const Nics& nics, const plane::Plane& plane) {
  std::string line = fmt::format("{}, {}, {} worker{} ({})",
                                 config.placement == config::Placement::inline_ ? "inline"
                                 : config.placement == config::Placement::tap   ? "tap"
                                                                                : "host",
                                 config.mode != config::Mode::enforce ? "observing only"
                                 : config.placement == config::Placement::inline_ ||
                                         nftables_hooks(config) != config::Nftables::off
                                     ? "blocking"
                                     : "reporting only",
                                 config.workers.count, config.workers.count == 1 ? "" : "s",
                                 nic::to_string(plane.spread()));
  for (const nic::Port& port : nics.ports())
    line += fmt::format(", {} on {}", port.label(), port.device());
  if (!config.metrics.listen.empty()) line += ", metrics on " + config.metrics.listen;
  if (!config.api.listen.empty()) line += ", API on " + config.api.listen;
  return line;
}

bool watches_only(const config::Config& config) {
  return config.mode == config::Mode::enforce && config.placement != config::Placement::inline_ &&
         nftables_hooks(config) == config::Nftables::off && config::xdp_interfaces(config).empty();
}

}  // namespace edgesentry::appliance
