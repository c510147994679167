// Events as the control thread makes them, for the tests of the sinks.
#pragma once

#include <netinet/in.h>

#include <chrono>

#include "report/event.h"
#include "wire/probe.h"

namespace edgesentry::report {

// 2026-11-22T06:54:30.239 UTC.
inline WallTime sample_time() {
  return WallTime(std::chrono::milliseconds(1795330470239));
}

inline scan::Alert sample_alert() {
  scan::Alert alert;
  alert.source = *base::Ip::parse("10.9.0.2");
  alert.targets[0] = *base::Ip::parse("192.0.2.10");
  alert.ports[0] = 22;
  alert.ports[1] = 11;
  alert.port_count = 2;
  alert.target_count = 1;
  alert.confidence = 95;
  alert.probes = 2;
  alert.failures = 2;
  alert.first_seen = base::seconds(100);
  alert.last_seen = base::milliseconds(100'250);
  alert.worker = {3};
  alert.last_port = 11;
  alert.last_target = alert.targets[0];
  alert.protocol = IPPROTO_TCP;
  alert.tcp_flags = wire::tcp_flag::kSyn;
  alert.reason = scan::Reason::watched_port;
  alert.shape = scan::Shape::trap;
  alert.dropping = true;
  return alert;
}

inline Event sample_event(Action action = Action::source_blocked) {
  Event event;
  event.action = action;
  event.time = sample_time();
  event.alert = sample_alert();
  event.source = base::Prefix(event.alert->source, 32);
  event.text = "10.9.0.2 touched 2 watched ports";
  event.block_for = std::chrono::seconds(600);
  event.offence = 1;
  return event;
}

}  // namespace edgesentry::report
