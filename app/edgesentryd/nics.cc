#include "edgesentryd/nics.h"

#include <random>
#include <utility>

#include "config/eal_options.h"
#include "machine/memory_need.h"
#include "nic/flow_drop.h"
#include "nic/port_grant.h"

namespace edgesentry::appliance {

base::Result<nic::EalPlan> Nics::plan(const config::Config& config,
                                      const std::vector<std::string>& eal_arguments) {
  if (base::Status known = config::check_eal_options(eal_arguments); !known)
    return base::Error{"before --: " + known.error().text};
  nic::HostFacts host = nic::read_host();
  nic::read_device_nodes(host, config);
  return nic::plan_eal({.config = config,
                        .host = host,
                        .table_bytes = machine::table_bytes(config),
                        .extra_arguments = eal_arguments});
}

base::Result<std::unique_ptr<Nics>> Nics::open(const config::Config& config,
                                               const nic::EalPlan& plan) {
  std::unique_ptr<Nics> nics(new Nics);
  auto eal = nic::Eal::start(plan);
  if (!eal) return eal.error();
  nics->eal_ = std::move(eal).value();
  nics->has_hugepages_ = plan.has_hugepages;
  auto pool =
      nic::PacketPool::make(plan.packets, plan.data_room, "edgesentry_packets", plan.packet_node);
  if (!pool) return pool.error();
  nics->pool_ = std::make_unique<nic::PacketPool>(std::move(pool).value());

  // Never zero, which would send every packet to queue 0.
  const auto rss_word = static_cast<std::uint16_t>(std::random_device{}() | 1);
  const bool is_inline = config.placement == config::Placement::inline_;
  std::size_t next = 0;
  for (const config::Segment& segment : config.segments)
    for (const nic::Side side : {nic::Side::outside, nic::Side::inside}) {
      if (side == nic::Side::inside && !is_inline) continue;
      const bool is_inside = side == nic::Side::inside;
      auto port = nic::Port::open({.device = plan.ports[next++],
                                   .label = segment.name + (is_inside   ? " inside"
                                                            : is_inline ? " outside"
                                                                        : ""),
                                   .side = is_inline ? side : nic::Side::tap,
                                   .workers = config.workers.count,
                                   .descriptors = config.workers.queue_descriptors,
                                   .ipv6_prefix = config.table.ipv6_prefix,
                                   .rss_word = rss_word},
                                  *nics->pool_);
      if (!port) {
        const std::string said = nics->eal_->log().recent();
        return base::Error{port.error().text + (said.empty() ? "" : ". DPDK said: " + said)};
      }
      nics->ports_.push_back(std::move(port).value());
    }
  return nics;
}

std::vector<std::string> Nics::notes() const {
  std::vector<std::string> notes;
  for (const nic::Port& port : ports_)
    notes.insert(notes.end(), port.notes().begin(), port.notes().end());
  return notes;
}

control::MachineFacts Nics::facts() const {
  control::MachineFacts facts;
  facts.has_hugepages = has_hugepages_;
  facts.worker_cpus = eal_->worker_cpus();
  for (const nic::Port& port : ports_) {
    nic::PortGrant grant = nic::read_grant(port);
    facts.ports.push_back({.label = port.label(),
                           .device = port.device(),
                           .driver = port.driver(),
                           .node = port.node(),
                           .spread = std::string(nic::to_string(port.spread())),
                           .rx_queues = port.rx_queues(),
                           .tx_queues = port.tx_queues(),
                           .rx_queues_max = grant.rx_queues_max,
                           .tx_queues_max = grant.tx_queues_max,
                           .rss = std::move(grant.rss),
                           .rss_offered = std::move(grant.rss_offered),
                           .rx_checksum = std::move(grant.rx_checksum)});
  }
  return facts;
}

std::vector<std::unique_ptr<enforce::FlowApi>> Nics::flows(const config::Config& config) const {
  std::vector<std::unique_ptr<enforce::FlowApi>> flows;
  if (config.enforce.rte_flow == config::RteFlow::off) return flows;
  const nic::FlowDrop::Settings settings{.group = config.enforce.rte_flow_group,
                                         .priority = config.enforce.rte_flow_priority,
                                         .ipv6_prefix = config.table.ipv6_prefix};
  for (const nic::Port& port : ports_)
    if (port.side() == nic::Side::outside)
      flows.push_back(std::make_unique<nic::FlowDrop>(port, settings));
  return flows;
}

}  // namespace edgesentry::appliance
