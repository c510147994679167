// The NUMA node on which a device of a segment stands.
//
// Any thread; reads one or two small files below /sys. The kernel says -1 for devices of machines
// with one node and of most virtual ones; what has no device behind it (veth, net_null) has no node
// either.
#pragma once

#include <string>
#include <string_view>

#include "machine/tree.h"

namespace edgesentry::machine {

inline constexpr int kUnknownNode = -1;

// "/sys/bus/pci/devices/0000:03:00.0" or "/sys/class/net/eth1/device"; empty: neither.
[[nodiscard]] std::string device_folder(std::string_view device);
[[nodiscard]] int node_of_device(const Tree& tree, std::string_view device);

}  // namespace edgesentry::machine
