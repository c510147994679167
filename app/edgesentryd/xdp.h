// Whether and how edgesentry-xdp is to be started. Pure but for a look at this process's rights,
// which have to be those of the start.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "enforce/nft_process.h"

namespace edgesentry::appliance {

struct XdpPlan {
  std::optional<enforce::NftProcess::Settings> process;  // absent: none is wanted, or it cannot be
  std::vector<std::string> capabilities;                 // what it is to be started with
  std::string note;                                      // why it cannot be, where that was asked
};

[[nodiscard]] XdpPlan plan_xdp(const config::Config& config);

}  // namespace edgesentry::appliance
