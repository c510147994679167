// From configuration to what the packet path and the control thread need, at start and on reload.
//
// Called by main before the threads run, then by the control thread only. A configuration with
// problems changes nothing. File reads are small and local.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "policy/allow_list.h"
#include "policy/ledger.h"
#include "scan/detection_policy.h"

namespace edgesentry::control {

// What a loader found: a configuration, or every problem of the file at once.
struct LoadedConfig {
  config::Config config;
  std::vector<std::string> problems;
};
using ConfigLoader = std::function<LoadedConfig(const std::string& path)>;
// The loader of the appliance: config::load_file().
[[nodiscard]] LoadedConfig load_config_file(const std::string& path);

struct AllowListsRead {
  policy::AllowLists lists;
  std::vector<std::string> problems;  // of the allow file: it is missing, or has bad lines
};
// Config, allow file and the never-ban set of this machine. `live` entries are kept by the caller.
[[nodiscard]] AllowListsRead read_allow_lists(const config::Config& config);

[[nodiscard]] std::unique_ptr<const scan::DetectionPolicy> make_detection_policy(
    const config::Config& config, const policy::AllowLists& lists, std::uint64_t generation = 1);

[[nodiscard]] policy::LedgerSettings ledger_settings(const config::Config& config);

}  // namespace edgesentry::control
