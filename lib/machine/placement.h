// Which CPU each worker gets, and which are left for everything else. Pure functions; any thread.
//
// Worker i looks at queue i of every port and runs on cores[i]. Cores that the operator names are
// taken exactly as they stand. Otherwise: isolated CPUs before others; a core of its own before one
// whose SMT sibling is a worker already; the node of the ports before another; low ids before high
// ones. Unknown nodes are near to everything.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "machine/topology.h"

namespace edgesentry::machine {

struct PortPlace {
  std::string label;  // "lan outside"
  std::string device;
  int node = -1;
};

struct PlacementRequest {
  std::span<const Cpu> cpus;  // that may be used, by id
  std::uint16_t workers = 1;
  std::vector<std::uint16_t> wanted;  // [workers] cores; empty: choose
  std::span<const PortPlace> ports;
};

struct Placement {
  std::vector<std::uint16_t> cores;   // of the workers, in their order
  std::vector<std::uint16_t> others;  // for main, control and all else; never empty
  bool are_shared = false;            // no CPU was left: `others` are those of the workers too
  bool is_chosen = false;             // the operator named none
};

[[nodiscard]] base::Result<Placement> place(const PlacementRequest& request);

// The node of most ports, the first such one; -1: none is known.
[[nodiscard]] int node_of_ports(std::span<const PortPlace> ports);

// A sentence for each port that stands on another node than some worker, with the numbers.
[[nodiscard]] std::vector<std::string> far_workers(const Placement& placement,
                                                   const PlacementRequest& request);

}  // namespace edgesentry::machine
