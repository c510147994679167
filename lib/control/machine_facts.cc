#include "control/machine_facts.h"

namespace edgesentry::control {

nlohmann::json machine_view(const MachineFacts& facts) {
  nlohmann::json ports = nlohmann::json::array();
  for (const PortFacts& port : facts.ports)
    ports.push_back({{"name", port.label},
                     {"device", port.device},
                     {"driver", port.driver},
                     {"node", port.node},
                     {"spread", port.spread},
                     {"rx_queues", port.rx_queues},
                     {"tx_queues", port.tx_queues},
                     {"rx_queues_max", port.rx_queues_max},
                     {"tx_queues_max", port.tx_queues_max},
                     {"rss", port.rss},
                     {"rss_offered", port.rss_offered},
                     {"rx_checksum", port.rx_checksum}});
  return {{"worker_cpus", facts.worker_cpus},
          {"hugepages", facts.has_hugepages},
          {"ports", std::move(ports)}};
}

}  // namespace edgesentry::control
