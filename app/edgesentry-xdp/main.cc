// edgesentry-xdp: keeps the sources that edgesentryd names in the maps of an XDP program. Started
// by edgesentryd, which speaks to it over a socket; of no use by hand.
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/capability.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <utility>

#include "edgesentry-xdp/leftovers.h"
#include "edgesentry-xdp/shield.h"
#include "enforce/capabilities.h"
#include "enforce/claim.h"
#include "enforce/confine.h"
#include "enforce/filter_session.h"
#include "enforce/leftover.h"

namespace edgesentry::xdp {
namespace {

// What it works with. CAP_SYS_ADMIN, where it is given, is used once before that, to find what an
// earlier run left attached: the kernel opens a program by its number for nobody else.
constexpr std::array kKept = {enforce::Capability{CAP_NET_ADMIN, "CAP_NET_ADMIN"},
                              enforce::Capability{CAP_BPF, "CAP_BPF"}};

struct Arguments {
  Settings settings;
  int socket = 3;
  enforce::Confinement confinement;
  bool is_removing_when_orphaned = false;
  bool is_sweeping = false;
};

int fail(const base::Error& error) {
  fmt::print(stderr, "edgesentry-xdp: {}\n", error.text);
  return 1;
}

// Detaches and ends.
int sweep(const Arguments& arguments) {
  const auto found = Leftovers::find(arguments.settings.devices);
  if (!found) return fail(found.error());
  if (base::Status kept = enforce::keep_only(std::span(kKept).first(1)); !kept)
    return fail(kept.error());
  for (const enforce::Leftover& leftover : found.value().settle())
    if (base::Status told = enforce::tell_leftover(arguments.socket, leftover); !told)
      return fail(told.error());
  if (base::Status told = enforce::tell_leftover(arguments.socket, {}); !told)
    return fail(told.error());
  return 0;
}

int run(const Arguments& arguments) {
  if (base::Status ready = enforce::prepare_session(arguments.socket); !ready)
    return fail(ready.error());
  libbpf_set_print(nullptr);  // what goes wrong is told by us, once
  if (arguments.is_sweeping) return sweep(arguments);
  auto shield = Shield::look(arguments.settings);
  if (!shield) return fail(shield.error());
  if (base::Status kept = enforce::keep_only(kKept); !kept) return fail(kept.error());
  if (base::Status made = shield.value()->make(); !made) return fail(made.error());
  const enforce::Claim claim(enforce::program_claim(shield.value()->program_id()));
  enforce::Confinement confinement = arguments.confinement;
  confinement.calls.has_bpf = true;
  confinement.readable = {"/sys/devices/system/cpu"};  // counters stand for each processor
  if (base::Status confined = enforce::confine(std::move(confinement)); !confined)
    return fail(confined.error());
  const enforce::Ended ended = enforce::serve(arguments.socket, *shield.value());
  if (ended != enforce::Ended::asked && arguments.is_removing_when_orphaned)
    if (base::Status removed = shield.value()->remove(); !removed) return fail(removed.error());
  return ended == enforce::Ended::broken ? 1 : 0;
}

int parse_and_run(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{"Keeps blocked sources in the maps of an XDP program; started by edgesentryd."};
  app.set_version_flag("--version", EDGESENTRY_VERSION);
  app.add_option("--fd", arguments.socket, "Packet socket to edgesentryd")
      ->check(CLI::Range(3, 1023));
  app.add_option("--device", arguments.settings.devices, "Drop what this interface receives")
      ->check([](const std::string& name) {
        return name.empty() || name.size() > 15 ? std::string("is no interface name")
                                                : std::string();
      });
  app.add_option("--ipv6-prefix", arguments.settings.ipv6_prefix, "Length of an IPv6 source")
      ->check(CLI::Range(1, 128));
  app.add_option("--elements", arguments.settings.elements_max, "Room for sources, of each family")
      ->check(CLI::Range(1u, 1u << 27));
  app.add_flag("--native-only", arguments.settings.is_native_only,
               "Not in the kernel's generic way where the driver cannot");
  app.add_flag("--remove-when-orphaned", arguments.is_removing_when_orphaned,
               "Detach the program when edgesentryd is gone; else the blocks end by their time "
               "limits");
  app.add_flag("--sweep", arguments.is_sweeping,
               "Detach what an earlier run left on any other interface than these, tell what was "
               "there, and end");
  app.add_option("--seccomp", arguments.confinement.seccomp, "refuse, log or off")
      ->check(CLI::IsMember({"refuse", "log", "off"}));
  app.add_option("--landlock", arguments.confinement.landlock, "on or off")
      ->check(CLI::IsMember({"on", "off"}));
  CLI11_PARSE(app, argc, argv);
  if (arguments.settings.devices.empty() && !arguments.is_sweeping)
    return fail({"nothing to do: no --device is given"});
  return run(arguments);
}

}  // namespace
}  // namespace edgesentry::xdp

int main(int argc, char** argv) {
  try {
    return edgesentry::xdp::parse_and_run(argc, argv);
  } catch (const std::exception& failure) {
    return edgesentry::xdp::fail({failure.what()});
  }
}
