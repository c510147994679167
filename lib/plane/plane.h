// The whole packet path put together: tables, rings and workers over opened ports; started and
// stopped as one. What it shows to the rest of the appliance are ring ends and counters.
//
// Owner: main. Ports, the policy and EAL outlive it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/ring.h"
#include "base/snapshot.h"
#include "config/config.h"
#include "nic/port.h"
#include "payload/watch.h"
#include "plane/lcores.h"
#include "plane/stance.h"
#include "plane/table_memory.h"
#include "plane/worker.h"
#include "scan/inspect.h"

namespace edgesentry::plane {

struct PlaneSettings {
  bool is_tap = false;
  config::Workers workers;
  config::Table table;
  scan::HashKey key{};
  std::uint32_t alert_ring = 4096;
  std::uint32_t order_ring = 8192;
  std::uint32_t handover_ring = nic::kHandoverRing;
  bool has_hugepages = false;
  std::shared_ptr<const signature::Database> patterns;  // nullptr: payloads are left alone
  signature::MatcherLimits payload;                     // of each worker
};

// The control thread's ends of one worker.
struct ControlEnds {
  base::RingReader<scan::Alert> alerts;
  base::RingWriter<scan::Order> orders;
  const scan::Tally* tally = nullptr;
};

// A ring for metrics: how full it is, and whose.
struct RingUse {
  const char* name;       // "alerts", "orders", "handover"
  base::WorkerId worker;  // alerts: who writes; orders and hand-over: who reads
  base::RingGauge gauge;
};

class Plane {
 public:
  // `ports` in the order of the plan: outside, inside, next segment ...; a tap's ports one by one.
  static base::Result<std::unique_ptr<Plane>> build(const PlaneSettings& settings,
                                                    std::span<const nic::Port> ports,
                                                    std::span<const std::uint32_t> lcores,
                                                    base::Published<scan::DetectionPolicy>& policy);

  // One per worker; they are given away once.
  [[nodiscard]] std::vector<ControlEnds> take_control_ends() { return std::move(control_ends_); }
  [[nodiscard]] std::span<const scan::Tally* const> tallies() const noexcept { return tally_list_; }
  [[nodiscard]] const std::vector<RingUse>& rings() const noexcept { return rings_; }
  // Counters of what was inside the packets, by worker; empty without patterns.
  [[nodiscard]] std::span<const std::unique_ptr<payload::Watch>> watches() const noexcept {
    return watches_;
  }
  // How sources find their worker: the weakest of all ports.
  [[nodiscard]] nic::Spread spread() const noexcept { return spread_; }

  // Before start(): what every worker drops from its first packet on.
  void block(std::span<const base::Ip> sources) noexcept;
  base::Status start();
  void stop() noexcept { lcores_.join(); }
  // As stop(), but gives up after `limit`: the numbers of workers that still stand in the way. What
  // they use must outlive them then, so that only the end of the process is left.
  [[nodiscard]] std::vector<std::uint16_t> stop(std::chrono::milliseconds limit) {
    return lcores_.join(limit);
  }
  [[nodiscard]] Stance& stance() noexcept { return stance_; }

 private:
  Plane() = default;
  void connect(const PlaneSettings& settings);
  base::Status watch_payloads(const PlaneSettings& settings);
  [[nodiscard]] std::vector<WorkerPort> ports_of(std::uint16_t worker,
                                                 std::span<const nic::Port> ports,
                                                 bool is_tap) const;

  Stance stance_;
  nic::Spread spread_ = nic::Spread::single;
  std::vector<std::uint32_t> lcore_ids_;
  std::vector<std::unique_ptr<scan::Tally>> tallies_;
  std::vector<const scan::Tally*> tally_list_;
  std::vector<TableMemory> tables_;
  std::vector<std::unique_ptr<payload::Watch>> watches_;
  std::unique_ptr<scan::ServiceEntry[]> services_;  // known to all workers
  std::vector<ControlEnds> control_ends_;
  std::vector<RingUse> rings_;
  std::vector<HandoverEnds> handover_ends_;
  std::vector<base::RingWriter<scan::Alert>> alert_writers_;
  std::vector<base::RingReader<scan::Order>> order_readers_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Lcores lcores_;  // last: joined before anything that workers use goes
};

}  // namespace edgesentry::plane
