#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "config/device.h"
#include "config/xdp.h"
#include "doctor/checks.h"

namespace edgesentry::doctor {
namespace {

constexpr std::string_view kArea = "device";
constexpr std::int64_t kUp = 1;  // IFF_UP, netdevice(7)

struct Interface {
  const Patient& patient;
  const machine::PortPlace& port;
  std::string name;
  std::string folder;

  [[nodiscard]] Finding about(const std::string& what) const {
    return {
        .area = kArea, .check = what.empty() ? port.label : port.label + " " + what, .found = ""};
  }
};

Finding check_presence(const Interface& about) {
  const machine::Tree& tree = about.patient.tree;
  Finding finding = about.about("");
  const std::string driver =
      tree.link(about.folder + "/device/driver").value_or("virtual").substr(0, 64);
  std::size_t queues = 0;
  for (const std::string& queue : tree.names(about.folder + "/queues"))
    queues += queue.starts_with("rx-") ? 1 : 0;
  const auto mtu = tree.number(about.folder + "/mtu");
  finding.found = fmt::format("{}: driver {}, {} receive queue{}, MTU {}", about.name, driver,
                              queues, queues == 1 ? "" : "s", mtu ? fmt::to_string(*mtu) : "?");
  const std::string flags = tree.line(about.folder + "/flags").value_or("");
  const auto bits =
      flags.starts_with("0x") ? machine::to_number(flags.substr(2), 16) : std::nullopt;
  if (!bits) {
    finding.status = Status::unknown;
    finding.found += ", state unknown";
  } else if ((*bits & kUp) == 0) {
    finding.status = Status::warn;
    finding.found += ", down";
    finding.why = "nothing arrives from an interface that is down";
    finding.fix = fmt::format("ip link set {} up", about.name);
  } else if (tree.number(about.folder + "/carrier").value_or(1) == 0) {
    finding.status = Status::warn;
    finding.found += ", no carrier";
    finding.why = "nobody answers at the other end of the cable";
    finding.fix = fmt::format("ethtool {}", about.name);
  }
  return finding;
}

Finding check_offloads(const Interface& about, const LinkFacts* link) {
  Finding finding = about.about("offloads");
  if (link == nullptr || !link->merges) {
    finding.status = Status::unknown;
    finding.found = "the kernel does not say whether it merges packets";
    return finding;
  }
  finding.found = *link->merges ? "the kernel merges packets (GRO or LRO)" : "packets stay as sent";
  if (!*link->merges || about.patient.config.placement != config::Placement::inline_)
    return finding;
  finding.status = Status::warn;
  finding.why = "a merged packet is longer than the MTU and cannot leave by the other port";
  finding.fix = fmt::format(
      "ethtool -K {} gro off lro off gso off tso off tx off rxvlan off txvlan off", about.name);
  return finding;
}

Finding check_users(const Interface& about, const LinkFacts* link) {
  Finding finding = about.about("other users");
  std::vector<std::string> users;
  const auto master = about.patient.tree.link(about.folder + "/master");
  const bool is_inline = about.patient.config.placement == config::Placement::inline_;
  if (master) users.push_back("it is a port of " + master->substr(0, 15));
  const auto own = config::xdp_interfaces(about.patient.config);
  const bool is_ours =
      about.patient.is_running() && (std::ranges::find(own, about.name) != own.end() ||
                                     about.port.device.starts_with("net_af_xdp"));
  if (link != nullptr && link->has_xdp.value_or(false))
    users.push_back(is_ours ? "the appliance's XDP program is attached"
                            : "an XDP program is attached");
  finding.found = users.empty() ? "none" : fmt::format("{}", fmt::join(users, "; "));
  if (link == nullptr || !link->has_xdp) finding.found += "; whether XDP is used is unknown";
  if (users.empty() || (users.size() == 1 && is_ours)) return finding;
  if (master && !is_inline) return finding;
  finding.status = Status::warn;
  finding.why = master ? "the kernel forwards its packets too: each goes by twice"
                       : "that program sees packets first, may take them, and leaves no room for "
                         "another";
  finding.fix = master ? fmt::format("ip link set {} nomaster", about.name)
                       : fmt::format("ip link set dev {} xdp off", about.name);
  return finding;
}

// Where somebody may be logged in over it.
Finding check_route(const Interface& about) {
  Finding finding = about.about("route");
  const std::string routes = about.patient.tree.text("/proc/net/route").value_or("");
  bool is_default = false;
  std::string_view rest = routes;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const auto words = machine::words_of(rest.substr(0, end));
    if (words.size() > 7 && words[0] == about.name && words[1] == "00000000" &&
        words[7] == "00000000")
      is_default = true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  finding.found = is_default ? "it holds this machine's default route" : "no default route over it";
  if (!is_default || about.patient.config.placement != config::Placement::inline_) return finding;
  finding.status = Status::warn;
  finding.why = "a bump in the wire there can cut off the session that you are using";
  finding.fix = "give the wire two interfaces of its own, and manage the machine over a third";
  return finding;
}

}  // namespace

Findings check_interface(const Patient& patient, const machine::PortPlace& port) {
  const std::string name = config::kernel_interface(port.device);
  const Interface about{patient, port, name, "/sys/class/net/" + name};
  if (config::device_kind(name) != config::DeviceKind::interface ||
      !patient.tree.has(about.folder)) {
    Finding finding = about.about("");
    finding.status = Status::fail;
    finding.found = fmt::format("there is no interface {}; there are: {}", name,
                                fmt::join(patient.tree.names("/sys/class/net"), ", "));
    finding.found.resize(std::min<std::size_t>(finding.found.size(), 300));
    finding.why = "edgesentryd does not start without its ports";
    finding.fix = "ip -br link; then write the right name below [[segment]]";
    return {finding};
  }
  const auto link = std::ranges::find(patient.links, name, &LinkFacts::name);
  const LinkFacts* facts = link == patient.links.end() ? nullptr : &*link;
  return {check_presence(about), check_offloads(about, facts), check_users(about, facts),
          check_route(about)};
}

Findings check_devices(const Patient& patient) {
  if (patient.ports.empty())
    return {{.area = kArea,
             .check = "segments",
             .status = patient.config.path.empty() ? Status::unknown : Status::fail,
             .found = "no [[segment]] is configured",
             .why = "edgesentryd has no port to look at",
             .fix = "name at least one [[segment]] with its outside device"}};
  Findings all;
  for (const machine::PortPlace& port : patient.ports) {
    const std::string device = port.device.substr(0, port.device.find(','));
    if (config::device_kind(device) == config::DeviceKind::pci)
      std::ranges::move(check_pci(patient, port), std::back_inserter(all));
    else if (!config::kernel_interface(port.device).empty())
      std::ranges::move(check_interface(patient, port), std::back_inserter(all));
    else
      all.push_back({.area = kArea,
                     .check = port.label,
                     .found = device + " is a virtual device: it needs nothing of this machine"});
  }
  return all;
}

}  // namespace edgesentry::doctor
