#include "serve/metrics.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "serve/api_metrics.h"
#include "serve/control_metrics.h"
#include "serve/families.h"
#include "serve/payload_metrics.h"
#include "serve/worker_metrics.h"

namespace edgesentry::serve {
namespace {

template <class Count>
double number(const Count& count) {
  return static_cast<double>(count);
}

void add_appliance(Families& out, const BuildFacts& build, double start_time_seconds) {
  out.add("edgesentry_build_info",
          {{"version", build.version}, {"revision", build.revision}, {"dpdk", build.dpdk}}, 1);
  out.add("edgesentry_start_time_seconds", start_time_seconds);
}

void add_rings(Families& out, const std::vector<RingLink>& rings) {
  for (const RingLink& link : rings) {
    const Labels labels = {{"ring", link.ring}, {"worker", std::to_string(link.worker.value)}};
    out.add("edgesentry_ring_entries", labels, number(link.gauge.occupancy()));
    out.add("edgesentry_ring_capacity_entries", labels, number(link.gauge.capacity()));
  }
}

void add_dispatcher(Families& out, const report::Dispatcher& dispatcher) {
  for (const auto& sink : dispatcher.sinks()) {
    const report::SinkNumbers& numbers = sink->numbers();
    const Labels labels = {{"sink", std::string(sink->name())}};
    out.add("edgesentry_events_written_total", labels, number(numbers.written.value()));
    out.add("edgesentry_events_limited_total", labels, number(numbers.limited.value()));
    out.add("edgesentry_events_failed_total", labels, number(numbers.failed.value()));
    out.add("edgesentry_events_held", labels, number(numbers.held.value()));
    out.add("edgesentry_sink_degraded", labels, number(numbers.degraded.value()));
  }
  out.add("edgesentry_events_refused_total", number(dispatcher.refused()));
  out.add("edgesentry_events_queued", number(dispatcher.queued()));
}

void add_responder(Families& out, const report::ResponderNumbers& numbers) {
  const auto add = [&](const char* result, const std::atomic<std::uint64_t>& count) {
    out.add("edgesentry_responses_total", {{"result", result}},
            number(count.load(std::memory_order_relaxed)));
  };
  add("succeeded", numbers.succeeded);
  add("failed", numbers.failed);
  add("timed_out", numbers.timed_out);
  add("refused", numbers.refused);
  out.add("edgesentry_responses_queued", number(numbers.queued.load(std::memory_order_relaxed)));
  out.add("edgesentry_responses_running", number(numbers.running.load(std::memory_order_relaxed)));
}

void add_nics(Families& out, const std::vector<NicSample>& nics) {
  for (const NicSample& nic : nics) {
    const Labels port = {{"port", nic.port}};
    out.add("edgesentry_nic_link_up", port, nic.link_up ? 1 : 0);
    out.add("edgesentry_nic_link_speed_bytes_per_second", port,
            number(nic.speed_bits_per_second) / 8);
    out.add("edgesentry_nic_received_packets_total", port, number(nic.rx_packets));
    out.add("edgesentry_nic_missed_packets_total", port, number(nic.rx_missed));
    out.add("edgesentry_nic_receive_errors_total", port, number(nic.rx_errors));
    out.add("edgesentry_nic_no_buffer_total", port, number(nic.rx_no_buffer));
    out.add("edgesentry_nic_spread_info", {{"port", nic.port}, {"method", nic.spread}}, 1);
  }
}

void add_commands(Families& out, const CommandNumbers& numbers) {
  out.add("edgesentry_command_connections", number(numbers.connections.value()));
  const auto connections = [&](const char* result, const base::Counter& count) {
    out.add("edgesentry_command_connections_total", {{"result", result}}, number(count.value()));
  };
  connections("accepted", numbers.accepted);
  connections("refused", numbers.refused);
  connections("slow", numbers.slow);
  connections("idle", numbers.idle);
  out.add("edgesentry_command_requests_total", {{"result", "handled"}},
          number(numbers.handled.value()));
  out.add("edgesentry_command_requests_total", {{"result", "malformed"}},
          number(numbers.malformed.value()));
}

// A process that answers a scrape may still have stopped forwarding.
void add_liveness(Families& out, const MetricsLinks& links, const std::vector<NicSample>& nics,
                  base::Micros now) {
  constexpr base::Micros kStandsAfter = base::seconds(2);
  const auto is_round = [&](const base::Counter& beat) {
    return beat.value() > 0 && base::elapsed({beat.value()}, now) <= kStandsAfter;
  };
  bool is_up = std::ranges::all_of(
      links.workers, [&](const scan::Tally* worker) { return is_round(worker->heartbeat); });
  is_up = is_up && std::ranges::all_of(nics, &NicSample::link_up);
  if (links.conditions != nullptr)
    is_up = is_up && !links.conditions->is_active(control::Condition::worker_stalled) &&
            !links.conditions->is_active(control::Condition::control_stalled);
  if (links.control != nullptr) {
    is_up = is_up && is_round(links.control->heartbeat);
    out.add("edgesentry_control_heartbeat_age_seconds",
            number(base::elapsed({links.control->heartbeat.value()}, now).value) / 1e6);
  }
  out.add("edgesentry_up", is_up ? 1 : 0);
}

}  // namespace

Metrics::Metrics(MetricsLinks links) : links_(std::move(links)) {
  if (!links_.now) links_.now = [] { return base::monotonic_now(); };
  created_ = links_.now();
  start_time_seconds_ =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::vector<prometheus::MetricFamily> Metrics::Collect() const {
  Families out;
  add_appliance(out, links_.build, start_time_seconds_);
  add_worker_metrics(out, links_, links_.now(), created_);
  const std::vector<NicSample> nics = links_.nics ? links_.nics() : std::vector<NicSample>{};
  add_liveness(out, links_, nics, links_.now());
  if (links_.conditions != nullptr) add_conditions(out, *links_.conditions);
  add_payload_metrics(out, links_);
  add_rings(out, links_.rings);
  if (links_.control != nullptr) add_control_metrics(out, *links_.control);
  if (links_.state != nullptr) add_state_metrics(out, *links_.state);
  if (links_.history != nullptr) add_history_metrics(out, *links_.history);
  if (links_.dispatcher != nullptr) add_dispatcher(out, *links_.dispatcher);
  if (links_.responder != nullptr) add_responder(out, links_.responder->numbers());
  if (links_.nics) add_nics(out, nics);
  if (links_.commands != nullptr) add_commands(out, *links_.commands);
  if (links_.api != nullptr) add_api_metrics(out, *links_.api);
  return out.take();
}

}  // namespace edgesentry::serve
