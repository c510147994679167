// From the configuration and the facts of the machine to EAL's command line: which devices, which
// cores, which memory. Pure; every refusal is a sentence that says what to do.
//
// Devices: "net_..." is a DPDK virtual device, taken as it stands; "[dddd:]bb:dd.f" a PCI address;
// anything else a kernel interface, opened by net_af_packet with one queue pair per worker. The
// kernel takes the outer VLAN tag off and net_af_packet puts it back as 802.1Q always, so the type
// of an 802.1ad tag is lost on the way: QinQ wants net_af_xdp or a NIC of its own.
// Cores: machine/placement.h. Memory: hugepages where enough are free (or required) on each NUMA
// node, ordinary memory otherwise.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "nic/host.h"

namespace edgesentry::nic {

enum class DeviceKind : std::uint8_t { vdev, pci, interface };
[[nodiscard]] DeviceKind kind_of(std::string_view device) noexcept;

struct EalPlan {
  std::vector<std::string> arguments;  // argv, program name first
  std::vector<std::string> ports;  // DPDK's name of each device: outside, inside, next segment ...
  std::vector<std::string> notes;  // worth telling the operator, one sentence each
  std::uint32_t packets = 0;       // buffers of the packet pool
  std::uint16_t data_room = 0;     // bytes of each, headroom included
  bool has_hugepages = false;
  int packet_node = -1;                  // NUMA node for the packets; -1: any
  std::vector<std::uint16_t> main_cpus;  // of all threads but the workers; empty: EAL chooses
};

struct EalRequest {
  const config::Config& config;
  const HostFacts& host;
  std::uint64_t table_bytes = 0;             // of all workers; from hugepages where there are some
  std::vector<std::string> extra_arguments;  // from the command line; they win over the config
};

[[nodiscard]] base::Result<EalPlan> plan_eal(const EalRequest& request);

}  // namespace edgesentry::nic
