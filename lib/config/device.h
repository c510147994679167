// What a segment's device is called, and whether two names mean the same one.
//
// Three spellings: a kernel interface ("eth1"), a PCI address ("0000:03:00.0", the domain may be
// left out), a DPDK vdev ("net_af_packet0,iface=eth1,qpairs=2"). Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>

namespace edgesentry::config {

enum class DeviceKind { interface, pci, vdev, unknown };

DeviceKind device_kind(std::string_view device);

// The kernel interface behind it: the device itself, or a vdev's iface=; empty when there is none.
std::string kernel_interface(std::string_view device);

// Equal for two spellings of one device: "pci 0000:03:00.0", "interface eth1", "vdev net_null0".
std::string device_identity(std::string_view device);

}  // namespace edgesentry::config
