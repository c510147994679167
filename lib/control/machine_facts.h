// What the appliance was given by this machine at the start: CPUs, hugepages, and what the NIC
// granted. Written by main before the control thread runs, then read by it for `status`.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace edgesentry::control {

struct PortFacts {
  std::string label, device, driver;
  int node = -1;       // NUMA; -1: unknown
  std::string spread;  // how packets of a source reach its worker: "by_source", "handover", ...
  unsigned rx_queues = 0, tx_queues = 0, rx_queues_max = 0, tx_queues_max = 0;
  std::vector<std::string> rss;          // what it hashes on: "ipv4", "source_only", ...
  std::vector<std::string> rss_offered;  // what it could, of what is of use here
  std::vector<std::string> rx_checksum;  // of which protocols it could check them
};

struct MachineFacts {
  std::vector<unsigned> worker_cpus;
  bool has_hugepages = false;
  std::vector<PortFacts> ports;
};

[[nodiscard]] nlohmann::json machine_view(const MachineFacts& facts);

}  // namespace edgesentry::control
