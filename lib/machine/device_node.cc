#include "machine/device_node.h"

#include "config/device.h"

namespace edgesentry::machine {

std::string device_folder(std::string_view device) {
  const std::string_view name = device.substr(0, device.find(','));
  if (config::device_kind(name) == config::DeviceKind::pci)
    return "/sys/bus/pci/devices/" + config::device_identity(name).substr(4);  // less "pci "
  const std::string interface = config::kernel_interface(device);
  // What a name may hold is checked by device_kind(), but not for an iface= inside a vdev.
  if (config::device_kind(interface) != config::DeviceKind::interface) return {};
  return "/sys/class/net/" + interface + "/device";
}

int node_of_device(const Tree& tree, std::string_view device) {
  const std::string folder = device_folder(device);
  if (folder.empty()) return kUnknownNode;
  const auto node = tree.number(folder + "/numa_node");
  return node && *node >= 0 && *node < 1024 ? static_cast<int>(*node) : kUnknownNode;
}

}  // namespace edgesentry::machine
