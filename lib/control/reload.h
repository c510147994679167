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
#include "config/load.h"
#include "policy/allow_list.h"
#include "policy/ledger.h"
#include "scan/detection_policy.h"

namespace edgesentry::control {

// config::load_file() in the appliance.
using ConfigLoader = std::function<config::Loaded(const std::string& path)>;

struct AllowListsRead {
  policy::AllowLists lists;
  std::vector<std::string> problems;  // bad lines of the allow file, which are left out
  std::size_t bad_lines = 0;          // all; `problems` has the first ones
  bool is_file_read = true;           // false: the allow file is missing or unreadable
};
// The never-ban set as the system has it now; tests give one of their own.
using NeverBanReader = std::function<std::vector<policy::Exemption>(const config::Allow&)>;
[[nodiscard]] std::vector<policy::Exemption> read_never_ban(const config::Allow& allow);

// Config, allow file and never-ban set. `live` entries are the caller's.
[[nodiscard]] AllowListsRead read_allow_lists(const config::Config& config,
                                              const NeverBanReader& never_ban = read_never_ban);

// Moves the keys that a reload takes from `next` into `running`; the others keep their values.
void take_reloadable(config::Config& running, const config::Config& next);

// How much proof of source this configuration asks for, where it can be had.
[[nodiscard]] scan::Verification verification_of(const config::Config& config);

[[nodiscard]] std::unique_ptr<scan::DetectionPolicy> make_detection_policy(
    const config::Config& config, const policy::AllowLists& lists, std::uint64_t generation = 1);

// What workers do when control stands still; anew after the policy was changed.
void add_stances(scan::DetectionPolicy& policy);

[[nodiscard]] policy::LedgerSettings ledger_settings(const config::Config& config);

}  // namespace edgesentry::control
