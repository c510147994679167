#include "edgesentryd/observatory.h"

#include <rte_version.h>

#include <utility>
#include <vector>

#include "serve/metrics.h"

namespace edgesentry::appliance {
namespace {

std::vector<serve::NicSample> sample(const std::vector<nic::Port>& ports) {
  std::vector<serve::NicSample> samples;
  for (const nic::Port& port : ports) {
    const nic::PortStats stats = port.stats();
    samples.push_back({.port = port.label(),
                       .link_up = port.link_is_up(),
                       .speed_bits_per_second = port.link_bits_per_second(),
                       .rx_packets = stats.rx_packets,
                       .rx_missed = stats.rx_missed,
                       .rx_errors = stats.rx_errors,
                       .rx_no_buffer = stats.rx_no_buffer,
                       .spread = std::string(nic::to_string(port.spread()))});
  }
  return samples;
}

}  // namespace

base::Result<Observatory> serve_metrics(const Observed& observed) {
  auto telemetry = serve::Telemetry::offer(
      [&asked = observed.controller](const auto& request) { return asked.ask(request); });
  if (!telemetry) return telemetry.error();
  const config::Table& table = observed.config.table;
  const auto tallies = observed.plane.tallies();
  const store::Keeper* state = observed.controller.keeper();
  const store::EventKeeper* history = observed.outlets.history();
  serve::MetricsLinks links{
      .build = {.version = EDGESENTRY_VERSION, .revision = "", .dpdk = rte_version()},
      .workers = {tallies.begin(), tallies.end()},
      .sizes = {.sources = table.sources,
                .suspects = table.suspects,
                .blocks = table.blocks,
                .slow_suspects = table.slow_suspects},
      .control = &observed.controller.numbers(),
      .conditions = &observed.conditions,
      .dispatcher = &observed.outlets.dispatcher(),
      .responder = &observed.outlets.responder(),
      .commands = &observed.controller.commands(),
      .api = observed.api,
      .state = state == nullptr ? nullptr : &state->numbers(),
      .history = history == nullptr ? nullptr : &history->numbers(),
      .nics = [&ports = observed.nics.ports()] { return sample(ports); }};
  for (const auto& watch : observed.plane.watches())
    links.payloads.push_back({&watch->counters(), &watch->own_counters()});
  for (const plane::RingUse& ring : observed.plane.rings())
    links.rings.push_back({.ring = ring.name, .worker = ring.worker, .gauge = ring.gauge});
  auto metrics = std::make_shared<serve::Metrics>(std::move(links));
  if (observed.config.metrics.listen.empty())
    return Observatory{std::move(metrics), nullptr, std::move(telemetry).value()};
  auto server = serve::MetricsServer::start(observed.config.metrics.listen, metrics);
  if (!server) return server.error();
  return Observatory{std::move(metrics), std::move(server).value(), std::move(telemetry).value()};
}

}  // namespace edgesentry::appliance
