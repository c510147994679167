// The commands about configuration files: check and config. No daemon is asked and nothing changes.
// One thread. 0: done; 78 (EX_CONFIG of sysexits.h): the file has problems, each of them printed.
#pragma once

#include <string>

namespace edgesentry::cli {

inline constexpr const char* kDefaultConfigPath = "/etc/edgesentry/edgesentry.toml";

// One problem a line on stdout, in the form editors and grep know; in blocks on a terminal.
[[nodiscard]] int run_check(const std::string& path, bool json);

struct ConfigArguments {
  std::string path = kDefaultConfigPath;
  bool reference = false;  // docs/configuration.md
  bool defaults = false;   // a whole file with the default of every key
  bool effective = false;  // what `path` amounts to, every key; also when nothing else is asked for
};

[[nodiscard]] int run_config(const ConfigArguments& arguments);

}  // namespace edgesentry::cli
