#include <fmt/format.h>

#include <map>
#include <string>

#include "config/device.h"
#include "config/validate.h"

namespace edgesentry::config {
namespace {

constexpr std::string_view placement_word(Placement placement) {
  return placement == Placement::tap ? "tap" : placement == Placement::host ? "host" : "inline";
}

class SegmentRules {
 public:
  SegmentRules(const Config& config, const Origins& origins, std::vector<Problem>& problems)
      : config_(config), origins_(origins), problems_(problems) {}

  void check() {
    if (origins_.is_spoiled("segment.")) return;
    if (config_.segments.empty())
      say("segment", "there is no [[segment]], so that nothing would be watched",
          "Write [[segment]], and below it name = \"uplink\" and outside = \"eth1\"");
    for (std::size_t i = 0; i < config_.segments.size(); ++i) {
      const Segment& segment = config_.segments[i];
      const std::string path = fmt::format("segment[{}].", i);
      check_name(path + "name", segment.name);
      check_sides(path, segment);
      check_device(path + "outside", segment.outside);
      check_device(path + "inside", segment.inside);
    }
  }

 private:
  void check_name(const std::string& key, const std::string& name) {
    if (origins_.is_spoiled(key)) return;
    if (name.empty()) {
      say(key, "is missing", "Name the wire, for example name = \"uplink\"");
    } else if (const auto [first, is_new] = names_.emplace(name, key); !is_new) {
      say(key, fmt::format("\"{}\" is also the name of {}", name, owner(first->second)),
          "Give each segment a name of its own");
    }
  }

  void check_sides(const std::string& path, const Segment& segment) {
    if (segment.outside.empty() && !origins_.is_spoiled(path + "outside"))
      say(path + "outside", "is missing",
          "Name the device towards the Internet, for example outside = \"eth1\"");
    if (origins_.is_spoiled("placement") || origins_.is_spoiled(path + "inside")) return;
    const bool is_inline = config_.placement == Placement::inline_;
    if (is_inline && segment.inside.empty())
      say(path + "inside", "is missing, and inline packets need somewhere to go",
          "Name the device towards the servers, for example inside = \"eth2\", or write "
          "placement = \"tap\"");
    if (!is_inline && !segment.inside.empty())
      say(path + "inside",
          fmt::format("has no use when placement is \"{}\"", placement_word(config_.placement)),
          "Remove it, or write placement = \"inline\"");
  }

  void check_device(const std::string& key, const std::string& device) {
    if (device.empty() || origins_.is_spoiled(key)) return;
    const DeviceKind kind = device_kind(device);
    if (kind == DeviceKind::unknown)
      return say(
          key, "\"" + device + "\" is no name of a device",
          "Write a kernel interface (at most 15 letters), a PCI address such as 0000:03:00.0, "
          "or a vdev such as net_af_packet0,iface=eth1");
    if (const std::string name = kernel_interface(device);
        kind == DeviceKind::vdev && !name.empty() && device_kind(name) != DeviceKind::interface)
      say(key, "iface=" + name + " is no name of an interface",
          "Write a kernel interface, at most 15 letters, such as iface=eth1");
    if (kind == DeviceKind::pci && config_.placement == Placement::host &&
        !origins_.is_spoiled("placement"))
      say(key, "DPDK would take this device away from the machine, which host placement protects",
          "Write its kernel interface, for example outside = \"eth0\"");
    check_unique("device", device_identity(device), key);
    if (kind == DeviceKind::vdev && !kernel_interface(device).empty())
      check_unique("vdev name", "vdev " + device.substr(0, device.find(',')), key);
  }

  void check_unique(std::string_view what, const std::string& identity, const std::string& key) {
    const auto [first, is_new] = devices_.emplace(identity, key);
    if (!is_new)
      say(key, fmt::format("is the same {} as {}", what, first->second),
          "Give each side of each segment its own");
  }

  static std::string owner(const std::string& key) { return key.substr(0, key.rfind('.')); }

  void say(const std::string& key, std::string fault, std::string remedy) {
    problems_.push_back(about(origins_, key, std::move(fault), std::move(remedy)));
  }

  const Config& config_;
  const Origins& origins_;
  std::vector<Problem>& problems_;
  std::map<std::string, std::string> names_, devices_;
};

}  // namespace

void validate_segments(const Config& config, const Origins& origins,
                       std::vector<Problem>& problems) {
  SegmentRules(config, origins, problems).check();
}

}  // namespace edgesentry::config
