// Read-only commands. Each looks at a bounded part of what there is.
#include <algorithm>

#include "control/command_handlers.h"
#include "control/command_input.h"
#include "control/machine_facts.h"
#include "control/mailbox.h"
#include "control/source_view.h"
#include "control/state.h"
#include "policy/decide.h"
#include "report/timestamps.h"
#include "scan/tally.h"

namespace edgesentry::control {

namespace {

struct Traffic {
  std::uint64_t received = 0, forwarded = 0, dropped_by_verdict = 0, dropped_by_fault = 0;
  std::uint64_t watched_only = 0;
  std::uint64_t sources = 0, suspects = 0, blocked = 0, alerts_refused = 0;
  std::uint64_t suspects_refused = 0;
};

Traffic traffic_of(const ControlState& state) {
  Traffic sum;
  for (const scan::Tally* tally : state.tallies) {
    if (tally == nullptr) continue;
    sum.received += tally->received_packets.value();
    sum.forwarded += tally->forwarded_packets.value();
    for (const auto& drop : tally->dropped_verdict) sum.dropped_by_verdict += drop.value();
    for (std::size_t i = 0; i < tally->dropped_fault.size(); ++i) {
      // How a tap ends every packet is no fault.
      const bool is_consumed = i == static_cast<std::size_t>(scan::FaultDrop::consumed);
      (is_consumed ? sum.watched_only : sum.dropped_by_fault) += tally->dropped_fault[i].value();
    }
    sum.sources += tally->sources.value();
    sum.suspects += tally->suspects.value();
    sum.blocked += tally->blocked_sources.value();
    sum.suspects_refused += tally->suspects_refused.value();
    sum.alerts_refused += tally->alerts_refused.value();
  }
  return sum;
}

nlohmann::json packets_view(const Traffic& sum) {
  return {{"received", sum.received},
          {"forwarded", sum.forwarded},
          {"dropped_by_verdict", sum.dropped_by_verdict},
          {"dropped_by_fault", sum.dropped_by_fault},
          {"watched_only", sum.watched_only}};
}

nlohmann::json blocks_view(const ControlState& state) {
  const Numbers& n = state.numbers;
  return {{"active", state.ledger.blocked()},          {"would_be", state.ledger.shadowed()},
          {"max", state.ledger.settings().blocks_max}, {"added", n.blocks_added.value()},
          {"expired", n.blocks_expired.value()},       {"lifted", n.blocks_lifted.value()},
          {"vetoed", n.blocks_vetoed.value()},         {"refused", n.blocks_refused.value()}};
}

nlohmann::json state_view(const ControlState& state) {
  if (state.keeper == nullptr) return {{"file", ""}, {"state", "memory only"}};
  const store::KeeperNumbers& numbers = state.keeper->numbers();
  nlohmann::json view = {{"file", state.keeper->path()},
                         {"state", state.keeper->is_degraded() ? "degraded" : "working"},
                         {"restored", state.numbers.blocks_restored.value()},
                         {"written", numbers.written.value()},
                         {"pending", numbers.pending.value()},
                         {"lost", numbers.lost.value()}};
  if (state.keeper->is_degraded()) view["trouble"] = state.keeper->trouble();
  return view;
}

nlohmann::json decisions_view(const Numbers& numbers) {
  nlohmann::json view = nlohmann::json::object();
  for (std::size_t i = 0; i < numbers.decisions.size(); ++i)
    view[std::string(policy::kDecisionActionNames[i])] = numbers.decisions[i].value();
  return view;
}

nlohmann::json enforcers_view(const ControlState& state) {
  nlohmann::json rows = nlohmann::json::array();
  for (const enforce::Enforcer* enforcer : state.enforcers) {
    const enforce::Health health = enforcer->health();
    if (!health.is_used) {
      rows.push_back({{"name", enforcer->name()}, {"place", enforcer->place()}});
      continue;
    }
    rows.push_back({{"name", enforcer->name()},
                    {"sent", health.sent},
                    {"pending", health.pending},
                    {"overflows", health.overflows},
                    {"reconciling", health.is_reconciling}});
    if (enforcer->name() == "rte_flow")
      rows.back().update({{"in_force", health.is_in_force},
                          {"wanted", health.wanted},
                          {"sources", health.programmed},
                          {"capacity", health.capacity},
                          {"ports_refused", health.ports_refused},
                          {"failures", health.failures},
                          {"replays", health.repairs},
                          {"packets", health.packets}});
    if (!enforcer->place().empty()) rows.back()["place"] = enforcer->place();
    if (!enforcer->is_kernel()) continue;
    rows.back().update({{"in_force", health.is_in_force},
                        {"sources", health.programmed},
                        {"failures", health.failures},
                        {"restarts", health.restarts},
                        {"repairs", health.repairs},
                        {"packets", health.packets}});
    if (!health.is_in_force && !enforcer->trouble().empty())
      rows.back()["trouble"] = enforcer->trouble();
  }
  return rows;
}

nlohmann::json payload_view(const ControlState& state) {
  const PatternsView view = state.patterns == nullptr ? PatternsView{} : state.patterns->view();
  nlohmann::json row = {{"state", !view.trouble.empty() ? "degraded"
                                  : view.is_looking     ? "working"
                                                        : "off"}};
  if (view.is_looking) {
    row["file"] = view.path;
    row["patterns"] = view.count;
  }
  if (!view.trouble.empty()) row["trouble"] = view.trouble;
  return row;
}

nlohmann::json logs_view(const ControlState& state) {
  nlohmann::json rows = nlohmann::json::array();
  for (const report::SinkHealth& log : state.sink->logs()) {
    nlohmann::json row = {{"name", log.name},
                          {"place", log.place},
                          {"state", log.trouble.empty() ? "working" : "degraded"},
                          {"written", log.written},
                          {"held", log.held},
                          {"lost", log.lost}};
    if (!log.trouble.empty()) {
      row["since"] = report::utc_timestamp(log.since);
      row["trouble"] = log.trouble;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

nlohmann::json failures_view(const ControlState& state) {
  nlohmann::json rows = nlohmann::json::array();
  if (state.conditions == nullptr) return rows;
  for (const Conditions::View& each : state.conditions->view())
    if (each.is_active)
      rows.push_back({{"name", each.name},
                      {"action", each.action},
                      {"since", report::utc_timestamp(state.wall_of(each.began))},
                      {"times", each.total},
                      {"text", each.what}});
  return rows;
}

nlohmann::json privilege_view(const ControlState& state) {
  if (!state.standing) return nullptr;
  const guard::Standing now = state.standing();
  return {{"user", now.user},
          {"capabilities", now.capabilities.to_string()},
          {"no_new_privileges", now.has_no_new_privileges},
          {"seccomp", now.seccomp},
          {"landlock_abi", now.landlock_abi}};
}

}  // namespace

nlohmann::json show_status(ControlState& state, const nlohmann::json&) {
  const Numbers& n = state.numbers;
  const Traffic sum = traffic_of(state);
  const auto uptime = base::elapsed(state.started.monotonic, state.now.monotonic);
  return {{"ok", true},
          {"version", state.version},
          {"mode", state.enforces() ? "enforce" : "observe"},
          {"bypass", state.is_bypassed()},
          {"placement", state.placement_name()},
          {"enforcement", state.enforcement_words()},
          {"uptime_seconds", uptime.value / 1'000'000},
          {"workers", state.tallies.size()},
          {"config",
           {{"path", state.config.path},
            {"generation", state.generation},
            {"good", n.is_config_good.value() == 1}}},
          {"packets", packets_view(sum)},
          {"table",
           {{"sources", sum.sources},
            {"suspects", sum.suspects},
            {"suspects_refused", sum.suspects_refused}}},
          {"blocks", blocks_view(state)},
          {"state", state_view(state)},
          {"exemptions", state.exempt.size()},
          {"alerts",
           {{"drained", n.alerts_drained.value()},
            {"stale", n.alerts_stale.value()},
            {"refused_by_ring", sum.alerts_refused}}},
          {"decisions", decisions_view(n)},
          {"enforcers", enforcers_view(state)},
          {"logs", logs_view(state)},
          {"failures", failures_view(state)},
          {"payload", payload_view(state)},
          {"privilege", privilege_view(state)},
          {"machine", machine_view(state.machine)},
          {"events",
           {{"offered", n.events_offered.value()},
            {"refused", n.events_refused.value()},
            {"coalesced", n.events_coalesced.value()}}}};
}

nlohmann::json show_top(ControlState& state, const nlohmann::json& request) {
  const auto wanted_rows = count_member(request, "count", {1, TopSources::kMax, 10});
  if (!wanted_rows) return error_reply(wanted_rows.error().text);
  nlohmann::json rows = nlohmann::json::array();
  const auto known = [&](const base::Ip& ip) { return state.ledger.find(ip) != nullptr; };
  const auto sorted = state.top.sorted(known);
  for (const auto& row : sorted.first(std::min<std::size_t>(wanted_rows.value(), sorted.size())))
    rows.push_back(source_view(state, *state.ledger.find(row.source)));
  return {{"ok", true}, {"sources", std::move(rows)}};
}

}  // namespace edgesentry::control
