// What a configuration needs of the system once everything is open. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "guard/capabilities.h"
#include "guard/landlock.h"
#include "guard/places.h"

namespace edgesentry::appliance {

[[nodiscard]] base::Result<guard::Capabilities> needed_capabilities(const config::Config& config);
[[nodiscard]] std::vector<guard::Needed> needed_places(const config::Config& config,
                                                       const std::string& patterns);
[[nodiscard]] guard::OpenPlaces places_to_leave_open(const config::Config& config,
                                                     const std::vector<guard::Needed>& needed);
// net_af_xdp takes its program away at the end, and drops of enforce.xdp are a map of the kernel's.
[[nodiscard]] bool needs_bpf(const config::Config& config);

// A sentence for each file of the state that is a link, or none at all.
[[nodiscard]] std::vector<std::string> faults_of_state(const config::State& state);

}  // namespace edgesentry::appliance
