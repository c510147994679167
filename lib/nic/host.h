// What this machine offers to a packet processor: interfaces, CPUs, hugepages, privileges. Read
// once at start by main, so that everything decided from it (eal_plan.h) is a pure function and
// testable.
//
// Sources: /proc/self/status, /proc/net/route, /proc/meminfo, /sys/kernel/mm/hugepages, SIOCGIFMTU,
// memory.max of the control groups. What cannot be read counts as absent: the plan then asks for
// less or says what is missing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "machine/topology.h"

namespace edgesentry::nic {

struct Interface {
  std::string name;
  std::uint32_t mtu = 1500;
  bool is_up = false;
};

struct DeviceNode {
  std::string device;
  int node = -1;
};
struct NodePages {
  int node = 0;
  std::uint64_t bytes_free = 0;
};

struct HostFacts {
  std::vector<Interface> interfaces;      // of this network namespace
  std::string default_route_interface;    // IPv4; empty: none
  std::vector<std::uint16_t> cpus;        // that this process may run on
  machine::Topology topology;             // of the whole machine; empty: unknown
  std::vector<DeviceNode> device_nodes;   // those that read_device_nodes() was asked for
  std::vector<NodePages> hugepage_nodes;  // by NUMA node; empty: unknown
  std::uint64_t hugepage_bytes_free = 0;
  std::uint64_t hugepage_size = 2u << 20;  // of the kernel's default hugepage
  // Ordinary memory, of this machine or of the control group if that has less; 0: not known.
  std::uint64_t memory_bytes = 0;
  std::uint64_t memory_bytes_available = 0;  // without swapping, as the kernel estimates it
  bool has_net_raw = false;                  // CAP_NET_RAW: packet sockets
  bool has_net_admin = false;                // CAP_NET_ADMIN: promiscuous mode

  [[nodiscard]] const Interface* find_interface(std::string_view name) const noexcept;
  [[nodiscard]] int node_of(std::string_view device) const noexcept;  // -1: unknown
};

[[nodiscard]] HostFacts read_host();
// Adds on which NUMA nodes the devices of the segments stand.
void read_device_nodes(HostFacts& facts, const config::Config& config);

}  // namespace edgesentry::nic
