// edgesentry-nft: keeps the sources that edgesentryd names in nftables sets. Started by
// edgesentryd, which speaks to it over a socket; of no use by hand.
#include <fmt/format.h>
#include <linux/capability.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "edgesentry-nft/firewall.h"
#include "enforce/capabilities.h"
#include "enforce/claim.h"
#include "enforce/confine.h"
#include "enforce/filter_session.h"
#include "enforce/leftover.h"

namespace edgesentry::nft {
namespace {

struct Arguments {
  Settings tables;
  int socket = 3;
  enforce::Confinement confinement;
  bool is_removing_when_orphaned = false;
  bool is_sweeping = false;
};

int fail(const base::Error& error) {
  fmt::print(stderr, "edgesentry-nft: {}\n", error.text);
  return 1;
}

// Reads and deletes tables only, and ends.
int sweep(Firewall& firewall, int socket) {
  for (const char* family : {"inet", "netdev"}) {
    const auto found = firewall.sweep_earlier(family);
    if (!found) return fail(found.error());
    if (!found.value()) continue;
    if (base::Status told = enforce::tell_leftover(socket, *found.value()); !told)
      return fail(told.error());
  }
  if (base::Status told = enforce::tell_leftover(socket, {}); !told) return fail(told.error());
  return 0;
}

int run(const Arguments& arguments) {
  constexpr std::array kKept = {enforce::Capability{CAP_NET_ADMIN, "CAP_NET_ADMIN"}};
  if (base::Status kept = enforce::keep_only(kKept); !kept) return fail(kept.error());
  if (base::Status ready = enforce::prepare_session(arguments.socket); !ready)
    return fail(ready.error());
  auto firewall = Firewall::open(arguments.tables);
  if (!firewall) return fail(firewall.error());
  enforce::Confinement confinement = arguments.confinement;
  confinement.calls.has_netfilter = true;
  if (arguments.is_sweeping) return sweep(*firewall.value(), arguments.socket);
  std::vector<enforce::Claim> claims;
  for (const std::string& family : families(arguments.tables))
    claims.emplace_back(enforce::table_claim(family));
  if (base::Status confined = enforce::confine(std::move(confinement)); !confined)
    return fail(confined.error());
  const enforce::Ended ended = enforce::serve(arguments.socket, *firewall.value());
  if (ended != enforce::Ended::asked && arguments.is_removing_when_orphaned)
    if (base::Status removed = firewall.value()->remove(); !removed) return fail(removed.error());
  return ended == enforce::Ended::broken ? 1 : 0;
}

int parse_and_run(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{"Keeps blocked sources in nftables sets; started by edgesentryd."};
  app.set_version_flag("--version", EDGESENTRY_VERSION);
  app.add_option("--fd", arguments.socket, "Packet socket to edgesentryd")
      ->check(CLI::Range(3, 1023));
  app.add_flag("--inet", arguments.tables.has_inet, "Drop in the input and forward hooks");
  app.add_option("--device", arguments.tables.devices, "Drop at the ingress of this interface")
      ->check([](const std::string& name) {
        return name.empty() || name.size() > 15 ? std::string("is no interface name")
                                                : std::string();
      });
  app.add_option("--ipv6-prefix", arguments.tables.ipv6_prefix, "Length of an IPv6 source")
      ->check(CLI::Range(1, 128));
  app.add_flag("--remove-when-orphaned", arguments.is_removing_when_orphaned,
               "Delete the tables when edgesentryd is gone; else the elements end by their "
               "time limits");
  app.add_flag("--sweep", arguments.is_sweeping,
               "Delete tables of an earlier run where neither --inet nor --device wants them, tell "
               "what was there, and end");
  app.add_option("--seccomp", arguments.confinement.seccomp, "refuse, log or off")
      ->check(CLI::IsMember({"refuse", "log", "off"}));
  app.add_option("--landlock", arguments.confinement.landlock, "on or off")
      ->check(CLI::IsMember({"on", "off"}));
  CLI11_PARSE(app, argc, argv);
  if (families(arguments.tables).empty() && !arguments.is_sweeping)
    return fail({"nothing to do: neither --inet nor --device is given"});
  return run(arguments);
}

}  // namespace
}  // namespace edgesentry::nft

int main(int argc, char** argv) {
  try {
    return edgesentry::nft::parse_and_run(argc, argv);
  } catch (const std::exception& failure) {
    return edgesentry::nft::fail({failure.what()});
  }
}
