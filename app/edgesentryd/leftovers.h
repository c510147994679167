// What an earlier run of ours left in the kernel where the configuration wants nothing of ours any
// more: looked for and removed once, at the start, by edgesentry-nft and edgesentry-xdp.
//
// Main, while the process has its rights. Takes some ten milliseconds, seconds at worst.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/config.h"

namespace edgesentry::appliance {

struct Swept {
  std::vector<std::string> told;  // for the logs, a sentence each
  std::string left_behind;        // for `status`: what may go on dropping; empty: nothing is known
  // Where the configuration does want something of ours: that there was nothing of it is known.
  bool has_no_tables = false, has_no_programs = false;
};

using SaySwept = std::function<void(const std::string&)>;
// `has_xdp`: edgesentry-xdp will be started for the configured interfaces.
[[nodiscard]] Swept sweep_leftovers(const config::Config& config, bool has_xdp,
                                    const SaySwept& say);

}  // namespace edgesentry::appliance
