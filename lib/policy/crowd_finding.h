// What follows from a clue about many sources that do one thing together. Plain value; any thread.
#pragma once

#include <cstdint>

#include "base/ip.h"
#include "scan/alert.h"

namespace edgesentry::policy {

// `alert.kind` is `decision` or `growth` for the scan as a whole, `decision` for a member to block
// and `clue` for a member that is only reported.
struct CrowdFinding {
  scan::Alert alert;
  bool is_whole = false;
  base::Prefix dense;               // of the whole: the network that most of its sources share
  std::uint32_t dense_sources = 0;  // ... and how many; 0: no network stands out
};

}  // namespace edgesentry::policy
