// Everything that can be counted, as one prometheus::Collectable. A scrape reads counters that
// their owners write (base::Counter, atomics) and disturbs nobody.
//
// Built by main, read by the exposer's threads. What the links point to outlives the object; a link
// that is null or empty leaves its metrics out.
#pragma once

#include <prometheus/collectable.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/ring.h"
#include "base/units.h"
#include "control/conditions.h"
#include "control/numbers.h"
#include "payload/watch.h"
#include "report/dispatcher.h"
#include "report/responder.h"
#include "scan/tally.h"
#include "serve/api_numbers.h"
#include "serve/command_numbers.h"
#include "store/event_keeper.h"
#include "store/keeper.h"

namespace edgesentry::serve {

struct BuildFacts {
  std::string version, revision, dpdk;
};

struct NicSample {   // as nic::Port knows it
  std::string port;  // the label of the port: "lan outside"
  bool link_up = false;
  std::uint64_t speed_bits_per_second = 0;
  std::uint64_t rx_packets = 0, rx_missed = 0, rx_errors = 0, rx_no_buffer = 0;
  std::string spread;  // "by_source", "handover", ...
};

struct RingLink {
  std::string ring;  // "alerts", "orders", "handover"
  base::WorkerId worker;
  base::RingGauge gauge;
};

struct TableSizes {  // per worker
  std::uint64_t sources = 0, suspects = 0, blocks = 0, slow_suspects = 0;
};

struct PayloadLink {  // of one worker's payload::Watch
  const signature::MatcherCounters* matcher;
  const payload::WatchCounters* watch;
};

struct MetricsLinks {
  BuildFacts build;
  std::vector<const scan::Tally*> workers;  // [i] is worker i's
  TableSizes sizes;
  std::vector<PayloadLink> payloads;  // [i] is worker i's; empty: payloads are left alone
  std::vector<RingLink> rings;
  const control::Numbers* control = nullptr;
  const control::Conditions* conditions = nullptr;
  const report::Dispatcher* dispatcher = nullptr;
  const report::Responder* responder = nullptr;
  const CommandNumbers* commands = nullptr;
  const ApiNumbers* api = nullptr;                     // nullptr: there is no HTTP API
  const store::KeeperNumbers* state = nullptr;         // nullptr: blocks end with the process
  const store::EventKeeperNumbers* history = nullptr;  // nullptr: events are not kept
  std::function<std::vector<NicSample>()> nics;
  std::function<base::Micros()> now;  // the axis of Tally::heartbeat; empty: base::monotonic_now
};

class Metrics final : public prometheus::Collectable {
 public:
  explicit Metrics(MetricsLinks links);
  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  MetricsLinks links_;
  base::Micros created_;
  double start_time_seconds_;
};

}  // namespace edgesentry::serve
