#include "serve/control_metrics.h"

#include <array>

#include "policy/decide.h"

namespace edgesentry::serve {
namespace {

using base::Counter;
using control::Numbers;

struct PlainMetric {
  std::string_view name;
  Counter Numbers::*counter;
};
constexpr auto kPlain = std::to_array<PlainMetric>({
    {"edgesentry_alerts_drained_total", &Numbers::alerts_drained},
    {"edgesentry_alerts_stale_total", &Numbers::alerts_stale},
    {"edgesentry_blocks_shadow", &Numbers::blocks_shadow},
    {"edgesentry_blocks_added_total", &Numbers::blocks_added},
    {"edgesentry_blocks_restored_total", &Numbers::blocks_restored},
    {"edgesentry_blocks_expired_total", &Numbers::blocks_expired},
    {"edgesentry_blocks_lifted_total", &Numbers::blocks_lifted},
    {"edgesentry_blocks_vetoed_total", &Numbers::blocks_vetoed},
    {"edgesentry_blocks_refused_total", &Numbers::blocks_refused},
    {"edgesentry_blocks_shed_total", &Numbers::blocks_shed},
    {"edgesentry_clock_steps_total", &Numbers::clock_steps},
    {"edgesentry_sources_remembered", &Numbers::sources_remembered},
    {"edgesentry_exemptions", &Numbers::exemptions},
    {"edgesentry_orders_sent_total", &Numbers::orders_sent},
    {"edgesentry_orders_pending", &Numbers::orders_pending},
    {"edgesentry_order_overflows_total", &Numbers::order_overflows},
    {"edgesentry_config_last_reload_successful", &Numbers::is_config_good},
    {"edgesentry_config_last_reload_success_timestamp_seconds", &Numbers::reload_succeeded_at},
    {"edgesentry_bypass_active", &Numbers::is_bypassed},
    {"edgesentry_config_generation", &Numbers::config_generation},
});

double value_of(const Counter& counter) {
  return static_cast<double>(counter.value());
}

void add_kernel(Families& out, const char* name, const control::KernelNumbers& numbers) {
  if (numbers.is_used.value() == 0) return;
  const Labels labels = {{"enforcer", name}};
  out.add("edgesentry_enforcer_in_force", labels, value_of(numbers.is_in_force));
  out.add("edgesentry_enforcer_sources", labels, value_of(numbers.sources));
  out.add("edgesentry_enforcer_orders_pending", labels, value_of(numbers.pending));
  out.add("edgesentry_enforcer_waiting", labels, value_of(numbers.waiting));
  out.add("edgesentry_enforcer_failures_total", labels, value_of(numbers.failures));
  out.add("edgesentry_enforcer_restarts_total", labels, value_of(numbers.restarts));
  out.add("edgesentry_enforcer_repairs_total", labels, value_of(numbers.repairs));
  out.add("edgesentry_enforcer_packets_total", labels, value_of(numbers.packets));
}

void add_rules(Families& out, const control::RuleNumbers& numbers) {
  const Labels labels = {{"enforcer", "rte_flow"}};
  out.add("edgesentry_enforcer_in_force", labels, value_of(numbers.is_in_force));
  out.add("edgesentry_enforcer_sources", labels, value_of(numbers.sources));
  out.add("edgesentry_enforcer_orders_pending", labels, value_of(numbers.pending));
  out.add("edgesentry_enforcer_waiting", labels, value_of(numbers.waiting));
  out.add("edgesentry_enforcer_failures_total", labels, value_of(numbers.failures));
  out.add("edgesentry_enforcer_repairs_total", labels, value_of(numbers.repairs));
  out.add("edgesentry_enforcer_wanted_sources", labels, value_of(numbers.wanted));
  out.add("edgesentry_enforcer_capacity_sources", labels, value_of(numbers.capacity));
  out.add("edgesentry_enforcer_ports_refused", labels, value_of(numbers.ports_refused));
  out.add("edgesentry_enforcer_rules_made_total", labels, value_of(numbers.rules));
  out.add("edgesentry_enforcer_packets_total", labels, value_of(numbers.packets));
}

void add_histogram(Families& out, std::string_view name, const control::Histogram& histogram) {
  std::array<std::uint64_t, control::kMicrosBounds.size() + 1> counts{};
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = histogram.buckets[i].value();
  out.add_histogram(name, control::kMicrosBounds, counts, histogram.sum.value());
}

// `all` includes those that failed. The writer adds to `all` first, so it is read last.
void add_results(Families& out, std::string_view name, const Counter& all, const Counter& failed) {
  const double failures = value_of(failed);
  const double successes = value_of(all) - failures;
  out.add(name, {{"result", "success"}}, successes > 0 ? successes : 0);
  out.add(name, {{"result", "failure"}}, failures);
}

}  // namespace

void add_control_metrics(Families& out, const Numbers& numbers) {
  for (const PlainMetric& metric : kPlain) out.add(metric.name, value_of(numbers.*metric.counter));
  for (std::size_t i = 0; i < numbers.decisions.size(); ++i)
    out.add("edgesentry_decisions_total",
            {{"action", std::string(policy::kDecisionActionNames[i])}},
            value_of(numbers.decisions[i]));
  for (std::size_t i = 0; i < numbers.severities.size(); ++i)
    out.add("edgesentry_severities_total", {{"severity", std::string(scan::kSeverityNames[i])}},
            value_of(numbers.severities[i]));
  out.add("edgesentry_blocks_active", {{"enforcer", "workers"}}, value_of(numbers.blocks_active));
  add_kernel(out, "nftables", numbers.kernel);
  add_kernel(out, "xdp", numbers.xdp);
  if (numbers.rules.is_used.value() != 0) add_rules(out, numbers.rules);
  add_histogram(out, "edgesentry_detection_latency_seconds", numbers.detection_latency);
  add_histogram(out, "edgesentry_control_round_seconds", numbers.round_duration);
  add_results(out, "edgesentry_commands_total", numbers.commands, numbers.commands_failed);
  add_results(out, "edgesentry_config_reloads_total", numbers.reloads, numbers.reloads_failed);
  out.add("edgesentry_control_events_total", {{"result", "offered"}},
          value_of(numbers.events_offered));
  out.add("edgesentry_control_events_total", {{"result", "refused"}},
          value_of(numbers.events_refused));
  out.add("edgesentry_control_events_total", {{"result", "coalesced"}},
          value_of(numbers.events_coalesced));
}

void add_conditions(Families& out, const control::Conditions& conditions) {
  for (std::size_t i = 0; i < control::kConditionNames.size(); ++i) {
    const auto condition = static_cast<control::Condition>(i);
    const Labels labels = {{"condition", std::string(control::kConditionNames[i])}};
    out.add("edgesentry_failure_active", labels, conditions.is_active(condition) ? 1 : 0);
    out.add("edgesentry_failures_total", labels, static_cast<double>(conditions.total(condition)));
  }
}

void add_state_metrics(Families& out, const store::KeeperNumbers& numbers) {
  out.add("edgesentry_state_degraded", value_of(numbers.degraded));
  out.add("edgesentry_state_records_written_total", value_of(numbers.written));
  out.add("edgesentry_state_records_pending", value_of(numbers.pending));
  out.add("edgesentry_state_records_lost_total", value_of(numbers.lost));
  out.add("edgesentry_state_commits_total", value_of(numbers.commits));
  out.add("edgesentry_state_failures_total", value_of(numbers.failures));
}

void add_history_metrics(Families& out, const store::EventKeeperNumbers& numbers) {
  out.add("edgesentry_history_degraded", value_of(numbers.degraded));
  out.add("edgesentry_history_events_written_total", value_of(numbers.written));
  out.add("edgesentry_history_events_lost_total", value_of(numbers.lost));
  out.add("edgesentry_history_failures_total", value_of(numbers.failures));
  out.add("edgesentry_history_file_bytes", value_of(numbers.bytes));
}

}  // namespace edgesentry::serve
