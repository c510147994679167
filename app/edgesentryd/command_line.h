// What the operator wrote: our options, and EAL's before "--". Prints help, version and usage
// errors itself. Called by main, once.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace edgesentry::appliance {

// sysexits.h, so that systemd's RestartPreventExitStatus=78 stops a loop of restarts.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitConfig = 78;

struct CommandLine {
  std::string config_path;
  std::vector<std::string> eal_arguments;
  bool check_only = false;
  bool is_strict = false;        // of the check: a warning is a fault
  bool takes_faults = false;     // the fault command, for trying out failures
  std::optional<int> exit_code;  // set: everything is said, end with it
};

[[nodiscard]] CommandLine read_command_line(int argc, char** argv);

}  // namespace edgesentry::appliance
