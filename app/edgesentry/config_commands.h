// The commands about configuration files: check and config. No daemon is asked and nothing changes.
// One thread. 0: done; 78 (EX_CONFIG of sysexits.h): the file has faults, each of them printed.
#pragma once

#include <string>

namespace edgesentry::cli {

inline constexpr const char* kDefaultConfigPath = "/etc/edgesentry/edgesentry.toml";

struct CheckArguments {
  std::string path = kDefaultConfigPath;
  bool json = false;
  bool strict = false;  // a warning is a fault
};

// One problem a line on stdout, in the form editors and grep know; in blocks on a terminal. What
// edgesentryd starts with all the same is a warning.
[[nodiscard]] int run_check(const CheckArguments& arguments);

struct ConfigArguments {
  std::string path = kDefaultConfigPath;
  bool reference = false;  // docs/configuration.md
  bool defaults = false;   // a whole file with the default of every key
  bool effective = false;  // what `path` amounts to, every key; also when nothing else is asked for
};

[[nodiscard]] int run_config(const ConfigArguments& arguments);

}  // namespace edgesentry::cli
