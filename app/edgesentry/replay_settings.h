// What a replay runs with: the thresholds, ladder and lists of a configuration, or the defaults.
//
// The allow lists count as they stand in the configuration and its file; this machine's own
// addresses, routers and name servers do not, because a capture mostly comes from elsewhere.
#pragma once

#include "base/result.h"
#include "replay/replay.h"
#include "replay_command.h"

namespace edgesentry::cli {

// The error holds every problem of the configuration, one a line.
[[nodiscard]] base::Result<replay::ReplayOptions> replay_settings(const ReplayArguments& arguments);

}  // namespace edgesentry::cli
