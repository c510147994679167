#include <fmt/format.h>

#include "doctor/checks.h"

namespace edgesentry::doctor {

Findings check_nodes(const Patient& patient) {
  constexpr std::string_view kNuma = "NUMA";
  if (patient.topology.nodes.size() < 2)
    return {{.area = kNuma,
             .check = "nodes",
             .status = patient.topology.nodes.empty() ? Status::unknown : Status::ok,
             .found = patient.topology.nodes.empty() ? "the kernel shows none"
                                                     : "one node: everything is near"}};
  Findings all = {{.area = kNuma,
                   .check = "nodes",
                   .found = fmt::format("{} nodes", patient.topology.nodes.size())}};
  for (const machine::PortPlace& port : patient.ports) {
    Finding finding{.area = kNuma, .check = port.label, .found = ""};
    machine::PlacementRequest request = patient.placement_request();
    request.ports = {&port, 1};
    const auto far = patient.placement && !patient.has_own_cores()
                         ? machine::far_workers(*patient.placement, request)
                         : std::vector<std::string>{};
    if (port.node < 0) {
      finding.status = Status::unknown;
      finding.found = port.device + ": the kernel names no node for it";
    } else if (far.empty()) {
      finding.found = fmt::format("{} on node {}, and so are the workers", port.device, port.node);
      if (!patient.placement) finding.found = fmt::format("{} on node {}", port.device, port.node);
    } else {
      finding.status = Status::warn;
      finding.found = far.front().substr(0, far.front().find(": each packet"));
      finding.why = "each packet crosses between the nodes: a third of the rate or more is lost";
      finding.fix = far.front().substr(far.front().rfind("; ") + 2);
    }
    all.push_back(std::move(finding));
  }
  return all;
}

}  // namespace edgesentry::doctor
