#include "config/device.h"

#include <algorithm>

namespace edgesentry::config {
namespace {

constexpr std::size_t kInterfaceNameMax = 15;  // IFNAMSIZ without its zero, if.h of Linux

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Compares with a picture in which x stands for a hexadecimal digit.
bool matches(std::string_view text, std::string_view picture) {
  return std::ranges::equal(text, picture,
                            [](char c, char want) { return want == 'x' ? is_hex(c) : c == want; });
}

bool is_long_pci(std::string_view text) {
  return matches(text, "xxxx:xx:xx.x");
}
bool is_short_pci(std::string_view text) {
  return matches(text, "xx:xx.x");
}

// What the kernel allows (dev_valid_name in net/core/dev.c), less the comma, which vdevs need.
bool is_interface_name(std::string_view text) {
  return !text.empty() && text.size() <= kInterfaceNameMax && text != "." && text != ".." &&
         std::ranges::all_of(text, [](char c) {
           return c > ' ' && c <= '~' && c != '/' && c != ':' && c != ',' && c != '=';
         });
}

}  // namespace

DeviceKind device_kind(std::string_view device) {
  if (is_long_pci(device) || is_short_pci(device)) return DeviceKind::pci;
  const std::string_view driver = device.substr(0, device.find(','));
  if (device.starts_with("net_") && driver.size() > 4 && driver.find(' ') == driver.npos)
    return DeviceKind::vdev;
  return is_interface_name(device) ? DeviceKind::interface : DeviceKind::unknown;
}

std::string kernel_interface(std::string_view device) {
  const DeviceKind kind = device_kind(device);
  if (kind == DeviceKind::interface) return std::string(device);
  if (kind != DeviceKind::vdev) return {};
  constexpr std::string_view kArgument = ",iface=";
  const std::size_t begin = device.find(kArgument);
  if (begin == std::string_view::npos) return {};
  const std::string_view name = device.substr(begin + kArgument.size());
  return std::string(name.substr(0, name.find(',')));
}

std::string device_identity(std::string_view device) {
  if (const std::string name = kernel_interface(device); !name.empty()) return "interface " + name;
  if (device_kind(device) != DeviceKind::pci)
    return "vdev " + std::string(device.substr(0, device.find(',')));
  std::string address = is_short_pci(device) ? "0000:" : "";
  for (const char c : device)
    address += c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  return "pci " + address;
}

}  // namespace edgesentry::config
