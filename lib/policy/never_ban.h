// The computed never-ban set: addresses whose blocking would cut the appliance or the network it
// protects. Own addresses, routers and name servers by what the system says now, and addresses that
// are nobody in particular.
//
// Link-local sources (fe80::/10, 169.254/16) are exempt: they exist on our own segments only, the
// router's neighbour discovery and a cloud's metadata service come from there, and whoever scans
// from there is reported anyway. compute_never_ban() is pure; read_never_ban_inputs() reads the
// system, on the control thread, bounded to kInputBytesMax a file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "policy/allow_list.h"

namespace edgesentry::policy {

struct NeverBanSwitches {
  bool own_addresses = true;
  bool gateways = true;
  bool resolvers = true;
};

struct NeverBanInputs {
  std::vector<base::Ip> own_addresses;  // getifaddrs(3), with their directed broadcast addresses
  std::string ipv4_routes;              // /proc/net/route
  std::string ipv6_routes;              // /proc/net/ipv6_route
  std::string resolv_conf;              // /etc/resolv.conf
};

// A full BGP table has a million lines of 128 bytes; default routes stand first in the file.
inline constexpr std::size_t kInputBytesMax = 1u << 20;

// A source of facts that cannot be read is left empty: the other exemptions still hold.
[[nodiscard]] NeverBanInputs read_never_ban_inputs();

[[nodiscard]] std::vector<Exemption> compute_never_ban(const NeverBanInputs& inputs,
                                                       const NeverBanSwitches& switches);

}  // namespace edgesentry::policy
