#include "plane/plane.h"

#include <algorithm>
#include <utility>

#include "machine/memory_need.h"

namespace edgesentry::plane {
namespace {

scan::InspectorSettings engine_settings(const config::Table& table, const scan::HashKey& key,
                                        std::uint16_t worker, bool is_tap) {
  scan::InspectorSettings settings = machine::table_sizes(table);
  settings.worker = {worker};
  settings.key = key;
  settings.watches_arp = is_tap;
  return settings;
}

// Ownership is one rule for all ports: what one NIC cannot do, hand-over does everywhere.
nic::Spread weakest(std::span<const nic::Port> ports, std::uint16_t workers) {
  if (workers == 1) return nic::Spread::single;
  nic::Spread weakest = nic::Spread::by_source;
  for (const nic::Port& port : ports) weakest = std::max(weakest, port.spread());
  return weakest;
}

}  // namespace

base::Result<std::unique_ptr<Plane>> Plane::build(const PlaneSettings& settings,
                                                  std::span<const nic::Port> ports,
                                                  std::span<const std::uint32_t> lcores,
                                                  base::Published<scan::DetectionPolicy>& policy) {
  std::unique_ptr<Plane> plane(new Plane);
  const std::uint16_t count = settings.workers.count;
  plane->lcore_ids_.assign(lcores.begin(), lcores.end());
  plane->spread_ = weakest(ports, count);
  plane->services_ = std::make_unique<scan::ServiceEntry[]>(scan::kServiceEntries);
  plane->connect(settings);
  if (base::Status watched = plane->watch_payloads(settings); !watched) return watched.error();
  const base::TscClock clock = base::TscClock::calibrate();
  for (std::uint16_t i = 0; i < count; ++i) {
    scan::InspectorSettings engine =
        engine_settings(settings.table, settings.key, i, settings.is_tap);
    engine.services = {plane->services_.get(), scan::kServiceEntries};
    auto memory = TableMemory::allocate({.bytes = scan::Inspector::bytes_needed(engine),
                                         .lcore = i < lcores.size() ? lcores[i] : 0,
                                         .has_hugepages = settings.has_hugepages});
    if (!memory) return memory.error();
    plane->tables_.push_back(std::move(memory).value());
    const WorkerSettings worker{.id = {i},
                                .workers = count,
                                .is_tap = settings.is_tap,
                                .nic_owns_ipv4 = plane->spread_ == nic::Spread::by_source ||
                                                 plane->spread_ == nic::Spread::by_source_ipv4,
                                .nic_owns_ipv6 = plane->spread_ == nic::Spread::by_source,
                                .idle = settings.workers.idle,
                                .ipv6_prefix = settings.table.ipv6_prefix};
    plane->workers_.push_back(
        std::make_unique<Worker>(worker, engine, plane->tables_.back().bytes(),
                                 WorkerLinks{.ports = plane->ports_of(i, ports, settings.is_tap),
                                             .alerts = std::move(plane->alert_writers_[i]),
                                             .orders = std::move(plane->order_readers_[i]),
                                             .handover = std::move(plane->handover_ends_[i]),
                                             .watches = plane->watches_,
                                             .policy = policy,
                                             .tally = *plane->tallies_[i],
                                             .clock = clock,
                                             .stance = &plane->stance_}));
  }
  return plane;
}

// All of it is reserved here: scratch space, streams and dialogues.
base::Status Plane::watch_payloads(const PlaneSettings& settings) {
  if (settings.patterns == nullptr) return {};
  for (std::uint16_t i = 0; i < settings.workers.count; ++i) {
    auto watch = payload::Watch::create(settings.patterns,
                                        {.limits = settings.payload, .key = settings.key});
    if (!watch) return watch.error();
    watches_.push_back(std::move(watch).value());
  }
  return {};
}

// A ring pair to the control thread for each worker, and one ring for each ordered pair of workers.
void Plane::connect(const PlaneSettings& settings) {
  const std::uint16_t count = settings.workers.count;
  for (std::uint16_t i = 0; i < count; ++i) {
    auto alerts = base::make_ring<scan::Alert>(settings.alert_ring);
    auto orders = base::make_ring<scan::Order>(settings.order_ring);
    rings_.push_back({"alerts", {i}, alerts.reader.gauge()});
    rings_.push_back({"orders", {i}, orders.reader.gauge()});
    tallies_.push_back(std::make_unique<scan::Tally>());
    tally_list_.push_back(tallies_.back().get());
    control_ends_.push_back(
        {std::move(alerts.reader), std::move(orders.writer), tallies_.back().get()});
    alert_writers_.push_back(std::move(alerts.writer));
    order_readers_.push_back(std::move(orders.reader));
  }
  handover_ends_.resize(count);
  for (HandoverEnds& ends : handover_ends_) {
    ends.to.resize(count);
    ends.from.resize(count);
  }
  for (std::uint16_t from = 0; from < count; ++from)
    for (std::uint16_t to = 0; to < count; ++to) {
      if (from == to) continue;
      auto ring = base::make_ring<Handover>(settings.handover_ring);
      rings_.push_back({"handover", {to}, ring.reader.gauge()});
      handover_ends_[from].to[to] = std::move(ring.writer);
      handover_ends_[to].from[from] = std::move(ring.reader);
    }
}

std::vector<WorkerPort> Plane::ports_of(std::uint16_t worker, std::span<const nic::Port> ports,
                                        bool is_tap) const {
  std::vector<WorkerPort> list;
  for (std::size_t i = 0; i < ports.size(); ++i)
    list.push_back(
        {.port = ports[i].id(),
         .peer = is_tap ? ports[i].id() : ports[i ^ 1].id(),  // pairs stand together
         .peer_room = is_tap ? nic::FrameRoom{} : ports[i ^ 1].frame_room(),
         .has_queue = worker < ports[i].rx_queues(),
         .role = ports[i].side() == nic::Side::inside ? scan::Role::answer : scan::Role::actor});
  return list;
}

void Plane::block(std::span<const base::Ip> sources) noexcept {
  for (const auto& worker : workers_) worker->block(sources);
}

base::Status Plane::start() {
  return lcores_.launch(workers_, lcore_ids_);
}

}  // namespace edgesentry::plane
