#include "edgesentryd/xdp.h"

#include <fmt/format.h>
#include <linux/capability.h>

#include <utility>

#include "config/xdp.h"
#include "edgesentryd/controller.h"
#include "guard/capabilities.h"

namespace edgesentry::appliance {
namespace {

struct Right {
  int number;
  const char* name;
  bool is_needed;
};
// The last one is used once at the start, to find the program of an earlier run, and given up:
// without it that program counts as another's, and nftables drops alone.
constexpr Right kRights[] = {{CAP_NET_ADMIN, "CAP_NET_ADMIN", true},
                             {CAP_BPF, "CAP_BPF", true},
                             {CAP_SYS_ADMIN, "CAP_SYS_ADMIN", false}};

}  // namespace

XdpPlan plan_xdp(const config::Config& config) {
  XdpPlan plan;
  std::vector<std::string> devices = config::xdp_interfaces(config);
  if (devices.empty()) return plan;
  const guard::Capabilities ours = guard::permitted_capabilities();
  for (const Right& right : kRights) {
    if (ours.has(right.number)) {
      plan.capabilities.emplace_back(right.name);
    } else if (right.is_needed) {
      if (config.enforce.xdp == config::Xdp::on)
        plan.note = fmt::format(
            "enforce.xdp = \"on\" needs {0}: start as root or with AmbientCapabilities={0}; until "
            "then XDP drops nothing",
            right.name);
      return plan;
    }
  }
  // Twice: what an earlier run left is let go only when all of the present blocks are in.
  std::vector<std::string> options = {fmt::format("--elements={}", 2 * config.table.blocks)};
  if (config.enforce.xdp == config::Xdp::automatic) options.emplace_back("--native-only");
  for (std::string& option : confinement_options(config)) options.push_back(std::move(option));
  plan.process =
      enforce::NftProcess::Settings{.program = enforce::beside_this_program("edgesentry-xdp"),
                                    .has_inet = false,
                                    .devices = std::move(devices),
                                    .ipv6_prefix = config.table.ipv6_prefix,
                                    .options = std::move(options)};
  return plan;
}

}  // namespace edgesentry::appliance
