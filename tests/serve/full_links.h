// Metrics with every part in use and a known number in each, for tests and for the example that a
// real Prometheus scrapes.
#pragma once

#include <memory>

#include "report/dispatcher.h"
#include "report/responder.h"
#include "report/sinks.h"
#include "scan/alert.h"
#include "serve/metrics.h"

namespace edgesentry::serve {

struct Appliance {
  Appliance() : dispatcher(syslog_only()), responder({.command = {}}) {
    tally.received_packets.add(1000);
    tally.received_bytes.add(64'000);
    tally.forwarded_packets.add(900);
    tally.forwarded_bytes.add(57'600);
    tally.dropped_verdict[0].add(90);
    tally.dropped_fault[0].add(10);
    tally.dropped_bytes.add(6'400);
    tally.replies[static_cast<std::size_t>(scan::ReplyKind::challenge)].add(4);
    tally.replies_refused[static_cast<std::size_t>(scan::ReplyRefusal::unpaid)].add(6);
    tally.reply_bytes.add(216);
    tally.parsed[0].add(1000);
    tally.sources.set(7);
    tally.alerts[1][0].add(3);
    tally.tools[static_cast<std::size_t>(scan::Tool::nmap)].add(3);
    tally.heartbeat.set(9'000'000);
    idle_tally.heartbeat.set(8'000'000);
    matcher.bytes.add(4'096);
    matcher.payloads_refused.add(2);
    matcher.hits[static_cast<std::size_t>(signature::Kind::login_failed)].add(6);
    watch.dialogues.set(3);
    numbers.blocks_added.add(5);
    numbers.blocks_active.set(2);
    numbers.detection_latency.observe({40});
    numbers.detection_latency.observe({20'000'000});
    numbers.round_duration.observe({10});
    numbers.heartbeat.set(9'500'000);
    numbers.commands.add(3);
    numbers.commands_failed.add(1);
    numbers.kernel.is_used.set(1);
    numbers.kernel.sources.set(2);
    numbers.rules.is_used.set(1);
    numbers.rules.wanted.set(3);
    numbers.rules.capacity.set(2);
    commands.accepted.add(1);
    state.written.add(12);
  }

  [[nodiscard]] MetricsLinks links() {
    MetricsLinks links;
    links.build = {"0.1.0", "abc1234", "DPDK 22.11"};
    links.workers = {&tally, &idle_tally};
    links.sizes = {1 << 20, 1 << 13, 1 << 16, 1 << 15};
    links.payloads = {{&matcher, &watch}};
    links.rings = {{"alerts", {0}, ring.reader.gauge()}};
    links.control = &numbers;
    links.dispatcher = &dispatcher;
    links.responder = &responder;
    links.commands = &commands;
    links.api = &api;
    links.state = &state;
    links.history = &history;
    links.conditions = &conditions;
    links.nics = [] {
      return std::vector<NicSample>{
          {"lan \"outside\"", true, 10'000'000'000, 5, 1, 2, 3, "by_source"}};
    };
    links.now = [] { return base::seconds(10); };
    return links;
  }

  static std::vector<std::unique_ptr<report::Sink>> syslog_only() {
    return report::make_sinks({}, "/nonexistent/log");
  }

  scan::Tally tally, idle_tally;
  signature::MatcherCounters matcher;
  payload::WatchCounters watch;
  control::Numbers numbers;
  CommandNumbers commands;
  ApiNumbers api;
  store::KeeperNumbers state;
  store::EventKeeperNumbers history;
  control::Conditions conditions{{}, {}};
  base::RingHalves<scan::Alert> ring = base::make_ring<scan::Alert>(64);
  report::Dispatcher dispatcher;
  report::Responder responder;
};

}  // namespace edgesentry::serve
