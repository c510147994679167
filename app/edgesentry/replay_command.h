// `edgesentry replay FILE...`: captures through the appliance's own engine and policy, offline.
//
// One thread. Each file starts with fresh state. 0: every file was read, even when nothing was
// found; 1: a file or the configuration could not be read (the other files are replayed).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace edgesentry::cli {

struct ReplayArguments {
  std::vector<std::string> paths;
  std::string config_path;          // empty: the defaults
  std::vector<std::string> inside;  // CIDR blocks; instead of the config's networks.inside
  std::vector<std::string> allow;   // CIDR blocks; besides the config's
  std::string patterns_path;        // empty: those beside the program
  bool skips_payloads = false;
  std::uint16_t workers = 1;
  std::optional<double> run_on_seconds;  // default: until what was sent last is unanswered
  bool json = false;
};

[[nodiscard]] int run_replay(const ReplayArguments& arguments);

}  // namespace edgesentry::cli
