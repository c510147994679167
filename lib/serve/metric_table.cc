#include "serve/metric_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace edgesentry::serve {
namespace {

constexpr MetricKind kCounter = MetricKind::counter;
constexpr MetricKind kGauge = MetricKind::gauge;
constexpr MetricKind kHistogram = MetricKind::histogram;

constexpr auto kTable = std::to_array<MetricRow>({
    {"edgesentry_up", kGauge, "",
     "1 while every worker and the control thread have been round in the last two seconds, and "
     "every port has its link."},
    {"edgesentry_build_info", kGauge, "version,revision,dpdk", "Always 1; what runs here."},
    {"edgesentry_start_time_seconds", kGauge, "", "Unix time of the start."},
    {"edgesentry_failure_active", kGauge, "condition",
     "1 while something has failed or is used up; docs/failure.md tells what is done then."},
    {"edgesentry_failures_total", kCounter, "condition", "Times that it began."},
    {"edgesentry_clock_steps_total", kCounter, "", "Times that the wall clock was set."},

    {"edgesentry_packets_received_total", kCounter, "worker",
     "Packets received. Received plus taken over equals forwarded plus dropped plus handed over."},
    {"edgesentry_bytes_received_total", kCounter, "worker", "Bytes received."},
    {"edgesentry_packets_forwarded_total", kCounter, "worker",
     "Packets handed to the other port of their segment."},
    {"edgesentry_bytes_forwarded_total", kCounter, "worker", "Bytes forwarded."},
    {"edgesentry_packets_dropped_total", kCounter, "worker,class,reason",
     "Packets that ended here: by verdict on their source, or by fault of the appliance. Of "
     "verdicts, `blocked`: the source is blocked; `held`: it has not proven itself and the packet "
     "goes to no live service; `answered`: the same, and the appliance answered it in the target's "
     "place (`edgesentry_challenge_replies_total`). Of faults, `consumed`, in tap and host mode, "
     "is "
     "no loss: there every packet ends so; `too_long` exceeds the other port's MTU and could not "
     "be cut into IPv4 fragments; `closed`: `failure.control_stalled` says that nothing passes."},
    {"edgesentry_bytes_dropped_total", kCounter, "worker", "Bytes dropped for any reason."},
    {"edgesentry_challenge_replies_total", kCounter, "worker,kind",
     "Packets that the appliance made itself in the place of targets, from what it dropped: "
     "`challenge` asks who is there, the others are parts of conversations on deception ports. No "
     "part of forwarded."},
    {"edgesentry_challenge_replies_refused_total", kCounter, "worker,reason",
     "Probes that deserved a reply and got none; `transmit` counts replies, made but not taken by "
     "the port."},
    {"edgesentry_challenge_bytes_total", kCounter, "worker", "Bytes of replies sent."},
    {"edgesentry_packets_parsed_total", kCounter, "outcome",
     "What the parser made of each packet; every packet has one outcome."},
    {"edgesentry_packets_handed_over_total", kCounter, "worker",
     "Packets passed to the worker that owns their source."},
    {"edgesentry_packets_taken_over_total", kCounter, "worker",
     "Packets taken from workers that do not own their source."},

    {"edgesentry_sources_tracked", kGauge, "worker", "Sources in the scan table."},
    {"edgesentry_sources_capacity", kGauge, "worker", "Sources that the scan table can hold."},
    {"edgesentry_sources_added_total", kCounter, "worker", "Sources seen for the first time."},
    {"edgesentry_source_evictions_total", kCounter, "worker",
     "Sources replaced while still fresh, the least suspicious first."},
    {"edgesentry_suspects_tracked", kGauge, "worker", "Sources with an exact record."},
    {"edgesentry_suspects_capacity", kGauge, "worker", "Exact records that fit."},
    {"edgesentry_slow_suspects_kept", kGauge, "worker",
     "Former suspects whose evidence is kept, 64 bytes each, until they come back."},
    {"edgesentry_slow_suspects_capacity", kGauge, "worker",
     "Former suspects that fit (`table.slow_suspects`)."},
    {"edgesentry_suspects_refused_total", kCounter, "worker",
     "Exact records not made because all others held better evidence."},
    {"edgesentry_worker_blocked_sources", kGauge, "worker", "Sources that the worker drops."},
    {"edgesentry_worker_blocked_sources_capacity", kGauge, "worker",
     "Sources that the worker can drop at once."},

    {"edgesentry_alerts_total", kCounter, "shape,technique",
     "Alerts by what was seen; only pairs that have occurred."},
    {"edgesentry_tools_named_total", kCounter, "tool",
     "Scanners found, by the tool that their probes were taken for."},
    {"edgesentry_alerts_refused_total", kCounter, "worker",
     "Alerts that found the ring to control full; each is offered again."},
    {"edgesentry_clues_total", kCounter, "worker",
     "Failed contacts of sources with few, told to control to find distributed scans."},
    {"edgesentry_clues_refused_total", kCounter, "worker",
     "Such contacts past the budget or for which there was no room; not offered again."},
    {"edgesentry_wrong_cookies_total", kCounter, "worker",
     "Reactions to SYN-ACKs with a number that was never sent: guesses, most likely."},
    {"edgesentry_contained_trials_total", kCounter, "worker",
     "Attempts to connect of contained sources that were let through to see who answers."},
    {"edgesentry_alerts_allowed_total", kCounter, "worker",
     "Alerts about sources on the allow list."},

    {"edgesentry_payload_scanned_total", kCounter, "worker",
     "Payloads that were looked at by the patterns."},
    {"edgesentry_payload_scanned_bytes_total", kCounter, "worker", "Bytes of these."},
    {"edgesentry_payload_overruns_total", kCounter, "worker",
     "Payloads not looked at because the budget of the moment was used up."},
    {"edgesentry_payload_overrun_bytes_total", kCounter, "worker", "Bytes of these."},
    {"edgesentry_payload_past_limit_bytes_total", kCounter, "worker",
     "Bytes behind what is looked at of one payload or one connection."},
    {"edgesentry_payload_matches_total", kCounter, "kind",
     "Patterns found in payloads, by what they say."},
    {"edgesentry_payload_streams", kGauge, "worker",
     "Directions of connections that are followed from segment to segment."},
    {"edgesentry_payload_streams_evicted_total", kCounter, "worker",
     "Such directions that gave their place to a newer one."},
    {"edgesentry_payload_dialogues", kGauge, "worker",
     "Connections with logins or exploits that are followed."},
    {"edgesentry_payload_dialogues_evicted_total", kCounter, "worker",
     "Such connections that gave their place to a newer one."},
    {"edgesentry_payload_faults_total", kCounter, "worker",
     "Payloads that Hyperscan refused; none are expected."},

    {"edgesentry_worker_bursts_total", kCounter, "worker", "Polls that brought packets."},
    {"edgesentry_worker_empty_polls_total", kCounter, "worker", "Polls that brought none."},
    {"edgesentry_worker_sleeps_total", kCounter, "worker",
     "Times a worker slept for want of work."},
    {"edgesentry_worker_heartbeat_age_seconds", kGauge, "worker",
     "Time since a worker last did its housekeeping; grows when it is stuck."},
    {"edgesentry_control_heartbeat_age_seconds", kGauge, "",
     "Time since the control thread last began a round; grows when it is stuck."},
    {"edgesentry_worker_policy_generation", kGauge, "worker",
     "Generation of the configuration that a worker uses."},

    {"edgesentry_ring_entries", kGauge, "ring,worker", "Entries waiting in a ring."},
    {"edgesentry_ring_capacity_entries", kGauge, "ring,worker", "Entries that a ring holds."},

    {"edgesentry_alerts_drained_total", kCounter, "", "Alerts taken by the control thread."},
    {"edgesentry_alerts_stale_total", kCounter, "",
     "Alerts older than the end of their source's last block; not acted upon."},
    {"edgesentry_decisions_total", kCounter, "action", "What control decided about alerts."},
    {"edgesentry_severities_total", kCounter, "severity",
     "Alerts that control answered, by severity."},
    {"edgesentry_blocks_active", kGauge, "enforcer", "Sources blocked now, by who keeps them out."},
    {"edgesentry_blocks_shadow", kGauge, "", "Sources that observe mode would be blocking now."},
    {"edgesentry_blocks_added_total", kCounter, "", "Blocks made."},
    {"edgesentry_blocks_restored_total", kCounter, "",
     "Blocks of an earlier run that were in force again at the start."},
    {"edgesentry_blocks_expired_total", kCounter, "", "Blocks whose time was over."},
    {"edgesentry_blocks_lifted_total", kCounter, "", "Blocks ended by an operator."},
    {"edgesentry_blocks_vetoed_total", kCounter, "",
     "Sources that a worker dropped already and control let in again."},
    {"edgesentry_blocks_refused_total", kCounter, "",
     "Blocks not made because the ledger is full."},
    {"edgesentry_blocks_shed_total", kCounter, "",
     "Blocks that ended early to make room for new ones; part of those lifted."},
    {"edgesentry_sources_remembered", kGauge, "",
     "Sources whose earlier blocks count when they offend again."},
    {"edgesentry_exemptions", kGauge, "", "Networks and addresses that are never blocked."},
    {"edgesentry_orders_sent_total", kCounter, "", "Orders passed to workers, repeats included."},
    {"edgesentry_orders_pending", kGauge, "", "Orders that wait for room in a ring."},
    {"edgesentry_order_overflows_total", kCounter, "",
     "Backlogs of orders that were replaced by a replay of the ledger."},
    {"edgesentry_enforcer_in_force", kGauge, "enforcer",
     "1 while every block is in force there; 0 while it is not, or not surely."},
    {"edgesentry_enforcer_sources", kGauge, "enforcer", "Sources that it keeps out."},
    {"edgesentry_enforcer_orders_pending", kGauge, "enforcer",
     "Sources whose change it has not confirmed yet."},
    {"edgesentry_enforcer_waiting", kGauge, "enforcer",
     "Blocks that it has no room for, and that are not in force there."},
    {"edgesentry_enforcer_failures_total", kCounter, "enforcer", "Batches that it refused."},
    {"edgesentry_enforcer_restarts_total", kCounter, "enforcer",
     "Times that its program had to be started again."},
    {"edgesentry_enforcer_repairs_total", kCounter, "enforcer",
     "Times that its rules or elements were gone or changed by others, and were made anew."},
    {"edgesentry_enforcer_wanted_sources", kGauge, "enforcer",
     "Sources that it would keep out if it had room for all of them."},
    {"edgesentry_enforcer_capacity_sources", kGauge, "enforcer",
     "Sources that it has room for, as far as was found out; 0: not met yet."},
    {"edgesentry_enforcer_ports_refused", kGauge, "enforcer",
     "Ports that take none of its rules; the workers drop there."},
    {"edgesentry_enforcer_rules_made_total", kCounter, "enforcer", "Rules that it has made."},
    {"edgesentry_enforcer_packets_total", kCounter, "enforcer",
     "Packets that it dropped, where that is counted."},
    {"edgesentry_state_degraded", kGauge, "",
     "1 while blocks are kept in memory only, because their file cannot be written."},
    {"edgesentry_state_records_written_total", kCounter, "",
     "Changes of blocks and their history that are on disk."},
    {"edgesentry_state_records_pending", kGauge, "", "Changes that wait for the disk."},
    {"edgesentry_state_records_lost_total", kCounter, "",
     "Memories of ended blocks that found no room while the disk was away."},
    {"edgesentry_state_commits_total", kCounter, "", "Times that the file was brought up to date."},
    {"edgesentry_state_failures_total", kCounter, "", "Times that the disk refused."},
    {"edgesentry_history_degraded", kGauge, "",
     "1 while the file of events cannot be written and they wait in memory."},
    {"edgesentry_history_events_written_total", kCounter, "", "Events that are in the file."},
    {"edgesentry_history_events_lost_total", kCounter, "",
     "Events that found no room while the disk was away."},
    {"edgesentry_history_failures_total", kCounter, "", "Times that the disk refused."},
    {"edgesentry_history_file_bytes", kGauge, "", "What the file of events has in use."},
    {"edgesentry_detection_latency_seconds", kHistogram, "",
     "From the deciding packet to the recorded decision; the worker drops from the packet on."},
    {"edgesentry_control_round_seconds", kHistogram, "",
     "Work of one round of the control thread, its sleep left out."},
    {"edgesentry_commands_total", kCounter, "result", "Operators' commands carried out."},
    {"edgesentry_config_reloads_total", kCounter, "result", "Reloads of the configuration."},
    {"edgesentry_config_last_reload_successful", kGauge, "",
     "0 when the last reload was refused and the configuration before it is in force."},
    {"edgesentry_config_last_reload_success_timestamp_seconds", kGauge, "",
     "Unix time of the last reload that was applied; 0 before the first."},
    {"edgesentry_bypass_active", kGauge, "",
     "1 while an operator lets every packet pass ('edgesentry bypass on')."},
    {"edgesentry_config_generation", kGauge, "", "Generation of the configuration in force."},

    {"edgesentry_control_events_total", kCounter, "result",
     "Events that control made: offered to the log queue, refused by it, or coalesced."},
    {"edgesentry_events_written_total", kCounter, "sink", "Events written to a log."},
    {"edgesentry_events_limited_total", kCounter, "sink",
     "Events coalesced into others because of log.lines_per_second_max."},
    {"edgesentry_events_failed_total", kCounter, "sink",
     "Events lost because a log could not be written."},
    {"edgesentry_events_held", kGauge, "sink", "Events that wait for a log to work again."},
    {"edgesentry_sink_degraded", kGauge, "sink", "1 while a log cannot be written."},
    {"edgesentry_events_refused_total", kCounter, "",
     "Events that found the queue to the logs full."},
    {"edgesentry_events_queued", kGauge, "", "Events in the queue to the logs."},

    {"edgesentry_responses_total", kCounter, "result", "Runs of log.block_command, by their end."},
    {"edgesentry_responses_queued", kGauge, "", "Runs of log.block_command that wait."},
    {"edgesentry_responses_running", kGauge, "", "Runs of log.block_command under way."},

    {"edgesentry_nic_link_up", kGauge, "port", "1 while the port has a link."},
    {"edgesentry_nic_link_speed_bytes_per_second", kGauge, "port",
     "Link speed, an eighth of the bits per second; 0 when unknown."},
    {"edgesentry_nic_received_packets_total", kCounter, "port", "Packets that the port received."},
    {"edgesentry_nic_missed_packets_total", kCounter, "port",
     "Packets lost because no descriptor was free: the workers are too slow."},
    {"edgesentry_nic_receive_errors_total", kCounter, "port", "Packets broken on the wire."},
    {"edgesentry_nic_no_buffer_total", kCounter, "port",
     "Times a packet found no buffer: the pool is too small."},
    {"edgesentry_nic_spread_info", kGauge, "port,method",
     "Always 1; how the packets of one source reach one worker."},

    {"edgesentry_command_connections", kGauge, "", "Open connections to the command socket."},
    {"edgesentry_command_connections_total", kCounter, "result",
     "Connections to the command socket: accepted, refused (too many), slow (did not read its "
     "reply), idle."},
    {"edgesentry_command_requests_total", kCounter, "result",
     "Lines read from the command socket: handled, or malformed."},

    {"edgesentry_api_requests_total", kCounter, "method,code",
     "Requests answered over HTTP, by method and class of status; not those that are no HTTP."},
    {"edgesentry_api_refusals_total", kCounter, "reason",
     "Requests refused over HTTP: wrong token, rate (429), length of the body (413), busy (503)."},
    {"edgesentry_api_connections", kGauge, "", "Open connections to the HTTP API."},
    {"edgesentry_api_connections_total", kCounter, "result",
     "Connections to the HTTP API: accepted, refused (too many), displaced (without a token, for a "
     "newcomer), cut_off (too slow)."},
    {"edgesentry_api_streams", kGauge, "", "Clients that follow the live events."},
    {"edgesentry_api_streams_dropped_total", kCounter, "",
     "Clients of live events that were dropped because they read too slowly."},
    {"edgesentry_api_events_missed_total", kCounter, "",
     "Events that the live stream has not shown because its queue was full."},
});

std::string_view to_string(MetricKind kind) {
  switch (kind) {
    case MetricKind::counter:
      return "counter";
    case MetricKind::gauge:
      return "gauge";
    case MetricKind::histogram:
      return "histogram";
  }
  return "";
}

}  // namespace

std::span<const MetricRow> metric_table() noexcept {
  return kTable;
}

const MetricRow* find_metric(std::string_view name) noexcept {
  const auto row = std::ranges::find(kTable, name, &MetricRow::name);
  return row == kTable.end() ? nullptr : &*row;
}

std::string metrics_markdown() {
  std::string page =
      "# Metrics\n\n"
      "Served at `http://HOST:PORT/metrics` (`metrics.listen`, by default `127.0.0.1:9465`) in\n"
      "Prometheus' text format, over IPv4 and without TLS: put a proxy in front of it, or scrape\n"
      "it on loopback. Workers count in plain memory of their own; a scrape only reads.\n\n"
      "For each worker, always: received + taken over = forwarded + dropped + handed over; summed\n"
      "over the workers, received = forwarded + dropped. A metric is left out while the\n"
      "part that it tells of is not in use.\n\n"
      "Sixteen connections are served at once, and one that sends no whole request is closed "
      "after\n"
      "two seconds. Fewer than sixteen silent connections delay no scrape, and twenty delay one "
      "by\n"
      "about two seconds; a flood of them can still starve it, so listen where only the scraper\n"
      "and friends can connect.\n\n"
      "| metric | type | labels | meaning |\n|---|---|---|---|\n";
  for (const MetricRow& row : kTable) {
    std::string labels;
    for (const char c : row.labels) labels += c == ',' ? std::string(", ") : std::string(1, c);
    page +=
        fmt::format("| `{}` | {} | {} | {} |\n", row.name, to_string(row.kind), labels, row.help);
  }
  return page;
}

}  // namespace edgesentry::serve
