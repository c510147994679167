// Everything that `edgesentry doctor` looks at: a configuration, a machine below some root, and
// what a running appliance says of itself.
//
// Any thread; nothing is changed. Whatever is missing or makes no sense leaves its field empty.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "machine/memory_need.h"
#include "machine/placement.h"
#include "machine/topology.h"
#include "machine/tree.h"

namespace edgesentry::doctor {

// What only the kernel's sockets tell of an interface.
struct LinkFacts {
  std::string name;
  std::optional<bool> merges;   // GRO or LRO: it delivers packets that nobody sent so
  std::optional<bool> has_xdp;  // a program is attached
};

struct Patient {
  machine::Tree tree;
  config::Config config;
  machine::Affinity affinity;
  std::vector<LinkFacts> links;
  nlohmann::json status;  // reply of the running appliance; null: it does not run
  std::string silence;    // why there is none

  // Found out by look():
  machine::Topology topology = {};
  std::vector<machine::Cpu> cpus = {};  // that the workers may use
  std::vector<machine::PortPlace> ports = {};
  std::optional<machine::Placement> placement = {};
  std::string refusal = {};  // why there is no placement
  machine::MemoryNeed need = {};

  void look();
  [[nodiscard]] bool is_running() const noexcept { return status.is_object(); }
  // The operator's own EAL arguments decide about these.
  [[nodiscard]] bool has_own_cores() const;
  [[nodiscard]] bool has_own_memory() const;
  [[nodiscard]] machine::PlacementRequest placement_request() const;
  // Of the status, whatever its shape; null where there is nothing at that place.
  [[nodiscard]] nlohmann::json said(const char* pointer) const;
};

}  // namespace edgesentry::doctor
