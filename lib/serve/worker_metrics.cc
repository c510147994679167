#include "serve/worker_metrics.h"

#include <array>
#include <utility>

#include "scan/names.h"

namespace edgesentry::serve {
namespace {

using base::Counter;
using scan::Tally;

struct PlainMetric {
  std::string_view name;
  Counter Tally::*counter;
};
constexpr auto kPerWorker = std::to_array<PlainMetric>({
    {"edgesentry_packets_received_total", &Tally::received_packets},
    {"edgesentry_bytes_received_total", &Tally::received_bytes},
    {"edgesentry_packets_forwarded_total", &Tally::forwarded_packets},
    {"edgesentry_bytes_forwarded_total", &Tally::forwarded_bytes},
    {"edgesentry_bytes_dropped_total", &Tally::dropped_bytes},
    {"edgesentry_challenge_bytes_total", &Tally::reply_bytes},
    {"edgesentry_packets_handed_over_total", &Tally::handed_over},
    {"edgesentry_packets_taken_over_total", &Tally::taken_over},
    {"edgesentry_sources_tracked", &Tally::sources},
    {"edgesentry_sources_added_total", &Tally::sources_added},
    {"edgesentry_source_evictions_total", &Tally::evictions},
    {"edgesentry_suspects_tracked", &Tally::suspects},
    {"edgesentry_slow_suspects_kept", &Tally::slow_suspects},
    {"edgesentry_suspects_refused_total", &Tally::suspects_refused},
    {"edgesentry_worker_blocked_sources", &Tally::blocked_sources},
    {"edgesentry_alerts_refused_total", &Tally::alerts_refused},
    {"edgesentry_clues_total", &Tally::clues},
    {"edgesentry_clues_refused_total", &Tally::clues_refused},
    {"edgesentry_alerts_allowed_total", &Tally::alerts_allowed},
    {"edgesentry_wrong_cookies_total", &Tally::wrong_numbers},
    {"edgesentry_contained_trials_total", &Tally::trials},
    {"edgesentry_worker_bursts_total", &Tally::bursts},
    {"edgesentry_worker_empty_polls_total", &Tally::empty_polls},
    {"edgesentry_worker_sleeps_total", &Tally::sleeps},
    {"edgesentry_worker_policy_generation", &Tally::policy_generation},
});

double value_of(const Counter& counter) {
  return static_cast<double>(counter.value());
}

void add_drops(Families& out, const Tally& tally, const std::string& worker) {
  const auto add = [&](std::string_view drop_class, std::string_view reason, double value) {
    out.add(
        "edgesentry_packets_dropped_total",
        {{"worker", worker}, {"class", std::string(drop_class)}, {"reason", std::string(reason)}},
        value);
  };
  for (std::size_t i = 0; i < tally.dropped_verdict.size(); ++i)
    add("verdict", scan::kVerdictDropNames[i], value_of(tally.dropped_verdict[i]));
  for (std::size_t i = 0; i < tally.dropped_fault.size(); ++i)
    add("fault", scan::kFaultDropNames[i], value_of(tally.dropped_fault[i]));
}

void add_replies(Families& out, const Tally& tally, const std::string& worker) {
  for (std::size_t i = 0; i < tally.replies.size(); ++i)
    out.add("edgesentry_challenge_replies_total",
            {{"worker", worker}, {"kind", std::string(scan::kReplyNames[i])}},
            value_of(tally.replies[i]));
  for (std::size_t i = 0; i < tally.replies_refused.size(); ++i)
    out.add("edgesentry_challenge_replies_refused_total",
            {{"worker", worker}, {"reason", std::string(scan::kReplyRefusalNames[i])}},
            value_of(tally.replies_refused[i]));
}

void add_worker(Families& out, const Tally& tally, const std::string& worker) {
  for (const PlainMetric& metric : kPerWorker)
    out.add(metric.name, {{"worker", worker}}, value_of(tally.*metric.counter));
  add_drops(out, tally, worker);
  add_replies(out, tally, worker);
}

void add_sizes(Families& out, const TableSizes& sizes, const std::string& worker) {
  const auto add = [&](std::string_view name, std::uint64_t value) {
    if (value > 0) out.add(name, {{"worker", worker}}, static_cast<double>(value));
  };
  add("edgesentry_sources_capacity", sizes.sources);
  add("edgesentry_suspects_capacity", sizes.suspects);
  add("edgesentry_slow_suspects_capacity", sizes.slow_suspects);
  add("edgesentry_worker_blocked_sources_capacity", sizes.blocks);
}

void add_heartbeat(Families& out, const Tally& tally, const std::string& worker,
                   std::pair<base::Micros, base::Micros> now_and_created) {
  const std::uint64_t beat = tally.heartbeat.value();
  const base::Micros last = beat > 0 ? base::Micros{beat} : now_and_created.second;
  out.add("edgesentry_worker_heartbeat_age_seconds", {{"worker", worker}},
          static_cast<double>(base::elapsed(last, now_and_created.first).value) / 1e6);
}

void add_outcomes(Families& out, const std::vector<const Tally*>& workers) {
  for (std::size_t i = 0; i < wire::kParseOutcomes; ++i) {
    double sum = 0;
    for (const Tally* tally : workers) sum += value_of(tally->parsed[i]);
    out.add("edgesentry_packets_parsed_total",
            {{"outcome", std::string(wire::kParseOutcomeNames[i])}}, sum);
  }
}

// 160 pairs exist; those that never occurred stay away, one zero keeps the family in sight.
void add_alerts(Families& out, const std::vector<const Tally*>& workers) {
  for (std::size_t shape = 0; shape < scan::kShapeNames.size(); ++shape) {
    for (std::size_t technique = 0; technique < scan::kTechniqueNames.size(); ++technique) {
      double sum = 0;
      for (const Tally* tally : workers) sum += value_of(tally->alerts[shape][technique]);
      const bool is_first = shape == 0 && technique == 0;
      if (sum == 0 && !is_first) continue;
      out.add("edgesentry_alerts_total",
              {{"shape", std::string(scan::kShapeNames[shape])},
               {"technique", std::string(scan::kTechniqueNames[technique])}},
              sum);
    }
  }
}

void add_tools(Families& out, const std::vector<const Tally*>& workers) {
  for (std::size_t tool = 0; tool < scan::kToolNames.size(); ++tool) {
    double sum = 0;
    for (const Tally* tally : workers) sum += value_of(tally->tools[tool]);
    out.add("edgesentry_tools_named_total", {{"tool", std::string(scan::kToolNames[tool])}}, sum);
  }
}

}  // namespace

void add_worker_metrics(Families& out, const MetricsLinks& links, base::Micros now,
                        base::Micros created) {
  if (links.workers.empty()) return;
  for (std::size_t i = 0; i < links.workers.size(); ++i) {
    const std::string worker = std::to_string(i);
    add_worker(out, *links.workers[i], worker);
    add_sizes(out, links.sizes, worker);
    add_heartbeat(out, *links.workers[i], worker, {now, created});
  }
  add_outcomes(out, links.workers);
  add_alerts(out, links.workers);
  add_tools(out, links.workers);
}

}  // namespace edgesentry::serve
