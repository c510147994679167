#include "edgesentryd/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

namespace edgesentry::appliance {
namespace {

constexpr const char* kDescription =
    "edgesentryd - the EdgeSentry appliance: watches every packet between two ports, recognises\n"
    "port scanners and, in enforce mode, drops them from the deciding packet on.\n";

constexpr const char* kFooter = R"(
Everything is configured in one file; edgesentry(1) checks and explains it:
  edgesentry check /etc/edgesentry/edgesentry.toml

Options for DPDK's EAL may stand before a double dash, as with every DPDK program. They are
seldom needed, because [segment], [workers] and [dpdk] of the file imply them:
  edgesentryd -l 1-3 -a 0000:03:00.0 -a 0000:03:00.1 -- -c edgesentry.toml

Signals: SIGHUP reloads the configuration (a bad file changes nothing); SIGTERM and SIGINT stop.
Exit status: 0 stopped in order, 1 failure, 2 wrong usage, 78 wrong configuration.
Standard output gets one line when packets flow and one when it stops; everything else is on
standard error and in the logs that the configuration names.)";

}  // namespace

CommandLine read_command_line(int argc, char** argv) {
  CommandLine line{.config_path = "/etc/edgesentry/edgesentry.toml"};
  std::vector<std::string> ours(argv + 1, argv + argc);
  if (const auto dash = std::ranges::find(ours, "--"); dash != ours.end()) {
    line.eal_arguments.assign(ours.begin(), dash);
    ours.erase(ours.begin(), dash + 1);
  }
  CLI::App app(kDescription, "edgesentryd");
  app.footer(kFooter);
  app.add_option("-c,--config", line.config_path, "The configuration")->capture_default_str();
  app.add_flag("--check", line.check_only,
               "Say whether the configuration is right and this machine has what it names; "
               "start nothing. 0: it starts; 1: it does not; 78: the configuration is wrong");
  app.add_flag("--strict", line.is_strict, "With --check: 78 for a warning too")->needs("--check");
  app.add_flag("--faults", line.takes_faults,
               "Take the fault command on the control socket, which breaks things on purpose "
               "(docs/failure.md); never in production");
  app.set_version_flag("--version", "edgesentryd " EDGESENTRY_VERSION);
  std::ranges::reverse(ours);  // as CLI11 takes a vector: the first word last
  try {
    app.parse(std::move(ours));
  } catch (const CLI::ParseError& stop) {
    const bool is_question = stop.get_exit_code() == 0;  // --help, --version
    app.exit(stop, std::cout, std::cerr);
    line.exit_code = is_question ? kExitOk : kExitUsage;
  }
  return line;
}

}  // namespace edgesentry::appliance
