#include "nic/host.h"

#include <linux/capability.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "machine/device_node.h"

namespace edgesentry::nic {
namespace {

std::vector<Interface> read_interfaces() {
  std::vector<Interface> interfaces;
  // Any socket will do for the requests; without privileges a datagram one always opens.
  const int request = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct NameIndexFree {
    void operator()(struct if_nameindex* list) const noexcept { ::if_freenameindex(list); }
  };
  const std::unique_ptr<struct if_nameindex, NameIndexFree> list(::if_nameindex());
  for (const struct if_nameindex* entry = list.get(); entry != nullptr && entry->if_name != nullptr;
       ++entry) {
    Interface found{.name = entry->if_name};
    ifreq wanted{};
    std::strncpy(wanted.ifr_name, entry->if_name, IFNAMSIZ - 1);
    if (request >= 0 && ::ioctl(request, SIOCGIFMTU, &wanted) == 0)
      found.mtu = static_cast<std::uint32_t>(wanted.ifr_mtu);
    if (request >= 0 && ::ioctl(request, SIOCGIFFLAGS, &wanted) == 0)
      found.is_up = (wanted.ifr_flags & IFF_UP) != 0;
    interfaces.push_back(std::move(found));
  }
  if (request >= 0) ::close(request);
  return interfaces;
}

// Columns of /proc/net/route: interface, destination, gateway, flags, refcnt, use, metric, mask.
std::string read_default_route_interface() {
  std::ifstream routes("/proc/net/route");
  std::string line;
  std::getline(routes, line);
  while (std::getline(routes, line)) {
    std::istringstream columns(line);
    std::string interface, destination, mask, skipped;
    columns >> interface >> destination >> skipped >> skipped >> skipped >> skipped >> skipped >>
        mask;
    if (destination == "00000000" && mask == "00000000") return interface;
  }
  return {};
}

std::uint64_t read_number(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  file >> value;
  return file ? value : 0;
}

std::uint64_t read_free_hugepage_bytes(const std::string& folder) {
  constexpr std::string_view kPrefix = "hugepages-";
  std::uint64_t bytes = 0;
  std::error_code failed;  // no such folder: a kernel without hugepages
  for (std::filesystem::directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const std::string name = entry->path().filename();  // hugepages-2048kB
    std::uint64_t kib = 0;
    if (name.starts_with(kPrefix))
      std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), kib);
    bytes += kib * 1024 * read_number(entry->path() / "free_hugepages");
  }
  return bytes;
}

// The value behind "key:" in a /proc file of such lines; `base` 16 for capability masks.
std::uint64_t read_keyed_number(const char* path, std::string_view key, int base) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const std::size_t first = line.find_first_not_of(" \t", key.size());
    if (first == std::string::npos) return 0;
    std::uint64_t value = 0;
    std::from_chars(line.data() + first, line.data() + line.size(), value, base);
    return value;
  }
  return 0;
}

// The least memory.max from this process's group up to the root; the largest number: no limit.
// cgroups(7): "0::/system.slice/edgesentryd.service"; a limit that is "max" reads as no number.
std::uint64_t read_group_limit() {
  constexpr std::string_view kUnified = "0::/";
  std::uint64_t least = ~std::uint64_t{0};
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (!line.starts_with(kUnified)) continue;
    const std::filesystem::path root = "/sys/fs/cgroup";
    std::filesystem::path group = line.substr(kUnified.size());
    for (; !group.empty(); group = group.parent_path())
      if (const std::uint64_t limit = read_number(root / group / "memory.max"); limit > 0)
        least = std::min(least, limit);
    if (const std::uint64_t limit = read_number(root / "memory.max"); limit > 0)
      least = std::min(least, limit);
  }
  return least;
}

void read_memory(HostFacts& facts) {
  const auto bytes = [](std::string_view key) {
    return read_keyed_number("/proc/meminfo", key, 10) * 1024;
  };
  const std::uint64_t limit = read_group_limit();
  facts.memory_bytes = std::min(bytes("MemTotal:"), limit);
  facts.memory_bytes_available = std::min(bytes("MemAvailable:"), limit);
}

}  // namespace

const Interface* HostFacts::find_interface(std::string_view name) const noexcept {
  for (const Interface& interface : interfaces)
    if (interface.name == name) return &interface;
  return nullptr;
}

int HostFacts::node_of(std::string_view device) const noexcept {
  for (const DeviceNode& known : device_nodes)
    if (known.device == device) return known.node;
  return -1;
}

void read_device_nodes(HostFacts& facts, const config::Config& config) {
  const machine::Tree tree;
  for (const config::Segment& segment : config.segments)
    for (const std::string& device : {segment.outside, segment.inside})
      if (!device.empty())
        facts.device_nodes.push_back({device, machine::node_of_device(tree, device)});
}

HostFacts read_host() {
  HostFacts facts;
  facts.interfaces = read_interfaces();
  facts.default_route_interface = read_default_route_interface();
  const machine::Tree tree;
  facts.topology = machine::read_topology(tree);
  facts.cpus = machine::usable_cpus(facts.topology, machine::read_affinity());
  facts.hugepage_bytes_free = read_free_hugepage_bytes("/sys/kernel/mm/hugepages");
  for (const int node : facts.topology.nodes)
    facts.hugepage_nodes.push_back(
        {node, read_free_hugepage_bytes("/sys/devices/system/node/node" + std::to_string(node) +
                                        "/hugepages")});
  const std::uint64_t kib = read_keyed_number("/proc/meminfo", "Hugepagesize:", 10);
  if (kib > 0) facts.hugepage_size = kib * 1024;
  read_memory(facts);
  const std::uint64_t capabilities = read_keyed_number("/proc/self/status", "CapEff:", 16);
  facts.has_net_raw = (capabilities >> CAP_NET_RAW & 1) != 0;
  facts.has_net_admin = (capabilities >> CAP_NET_ADMIN & 1) != 0;
  return facts;
}

}  // namespace edgesentry::nic
