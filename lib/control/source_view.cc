#include "control/source_view.h"

#include <algorithm>
#include <array>

#include "report/timestamps.h"
#include "scan/names.h"

namespace edgesentry::control {

namespace {

constexpr std::array<std::string_view, 5> kStandingNames = {"unknown", "noted", "blocked",
                                                            "would_be_blocked", "remembered"};

bool in_force(const policy::Entry& entry) {
  return entry.standing == policy::Standing::blocked || entry.standing == policy::Standing::shadow;
}

}  // namespace

std::string_view standing_name(policy::Standing standing) noexcept {
  return scan::name_of(kStandingNames, standing);
}

nlohmann::json source_view(const ControlState& state, const policy::Entry& entry) {
  nlohmann::json view = {{"source", state.ledger.prefix_of(entry.source).to_string()},
                         {"standing", standing_name(entry.standing)},
                         {"offences", entry.offences}};
  if (in_force(entry)) {
    const auto left = base::elapsed(state.now.monotonic, entry.until).value / 1'000'000;
    view["since"] = report::utc_timestamp(state.wall_of(entry.since));
    view["until"] = report::utc_timestamp(state.wall_of(entry.until));
    view["seconds_left"] = left;
    view["by"] = entry.origin == policy::Origin::detector ? "detector" : "operator";
    if (!entry.reason.empty()) view["reason"] = entry.reason;
  }
  if (entry.evidence == nullptr) return view;
  const scan::Alert& alert = *entry.evidence;
  view["technique"] = scan::to_string(alert.technique);
  view["shape"] = scan::to_string(alert.shape);
  view["severity"] = scan::to_string(alert.severity);
  view["confidence"] = alert.confidence;
  view["tool"] = scan::to_string(alert.tool.tool);
  view["probes"] = alert.probes;
  view["ports"] = alert.port_count;
  view["targets"] = alert.target_count;
  view["last_seen"] = report::utc_timestamp(state.wall_of(alert.last_seen));
  return view;
}

nlohmann::json evidence_view(const ControlState& state, const scan::Alert& alert) {
  nlohmann::json ports = nlohmann::json::array();
  for (std::size_t i = 0; i < std::min<std::size_t>(alert.port_count, alert.ports.size()); ++i)
    ports.push_back(alert.ports[i]);
  nlohmann::json targets = nlohmann::json::array();
  for (std::size_t i = 0; i < std::min<std::size_t>(alert.target_count, alert.targets.size()); ++i)
    targets.push_back(alert.targets[i].to_string());
  return {{"first_seen", report::utc_timestamp(state.wall_of(alert.first_seen))},
          {"last_seen", report::utc_timestamp(state.wall_of(alert.last_seen))},
          {"technique", scan::to_string(alert.technique)},
          {"shape", scan::to_string(alert.shape)},
          {"severity", scan::to_string(alert.severity)},
          {"confidence", alert.confidence},
          {"tipped_by", scan::to_string(alert.reason)},
          {"tool", scan::to_string(alert.tool.tool)},
          {"tool_confidence", scan::to_string(alert.tool.confidence)},
          {"tool_evidence", scan::words_for(alert.tool.mark)},
          {"proven", alert.proven},
          {"probes", alert.probes},
          {"failures", alert.failures},
          {"successes", alert.successes},
          {"abnormal", alert.abnormal},
          {"port_count", alert.port_count},
          {"target_count", alert.target_count},
          {"first_ports", std::move(ports)},
          {"first_targets", std::move(targets)}};
}

}  // namespace edgesentry::control
