#include "nic/eal_plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>
#include <set>

#include "nic/packet_pool.h"

namespace edgesentry::nic {
namespace {

constexpr std::uint64_t kMiB = 1u << 20;
// EAL, drivers and mempool headers beside what we ask for; testpmd with two vdevs uses about 20
// MiB.
constexpr std::uint64_t kEalOwnBytes = 64 * kMiB;
// net_af_packet gives the socket address and TPACKET2_HDRLEN out of each frame: 52 - 20 bytes
// (packet(7)); 22 more for an Ethernet header with two VLAN tags.
constexpr std::uint32_t kFrameOverhead = 64;
constexpr std::uint32_t kStandardFrame = 2048;
// Frames of one net_af_packet queue: absorbs a millisecond at 2 Mpps while a worker sleeps.
constexpr std::uint32_t kPacketSocketFrames = 2048;

bool is_pci_address(std::string_view text) {
  text = text.substr(0, text.find(','));
  // [dddd:]bb:dd.f
  if (text.size() == 12 && text[4] == ':') text.remove_prefix(5);
  constexpr std::string_view kShape = "xx:xx.x";
  if (text.size() != kShape.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_hex = std::isxdigit(static_cast<unsigned char>(text[i])) != 0;
    if (kShape[i] == 'x' ? !is_hex : text[i] != kShape[i]) return false;
  }
  return true;
}

// The value of `key` in "net_af_packet0,iface=eth1,qpairs=2"; empty when it has none.
std::string argument_of(const std::string& device, const std::string& key) {
  const std::size_t found = device.find("," + key + "=");
  if (found == std::string::npos) return {};
  const std::size_t first = found + key.size() + 2;
  return device.substr(first, device.find(',', first) - first);
}

bool has_option(const std::vector<std::string>& arguments,
                std::initializer_list<std::string_view> names) {
  return std::ranges::any_of(arguments, [&](const std::string& argument) {
    const std::string_view word = std::string_view(argument).substr(0, argument.find('='));
    return std::ranges::find(names, word) != names.end();
  });
}

class Planner {
 public:
  explicit Planner(const EalRequest& request)
      : config_(request.config), host_(request.host), table_bytes_(request.table_bytes) {
    extra_ = config_.dpdk.eal_args;
    extra_.insert(extra_.end(), request.extra_arguments.begin(), request.extra_arguments.end());
  }

  base::Result<EalPlan> plan() {
    plan_.arguments = {"edgesentryd"};
    if (base::Status fault = add_cores(); !fault) return fault.error();
    if (base::Status fault = add_devices(); !fault) return fault.error();
    size_packet_pool();
    if (base::Status fault = add_memory(); !fault) return fault.error();
    if (!has_option(extra_, {"--file-prefix"}))
      plan_.arguments.push_back("--file-prefix=" + config_.dpdk.file_prefix);
    plan_.arguments.insert(plan_.arguments.end(), extra_.begin(), extra_.end());
    return std::move(plan_);
  }

 private:
  base::Status add_cores();
  base::Status add_devices();
  base::Status add_device(const std::string& where, const std::string& device);
  base::Status check_interface(const std::string& where, const std::string& name);
  base::Status add_interface(const std::string& where, const std::string& name);
  void size_packet_pool();
  base::Status add_memory();
  base::Status check_memory(std::uint64_t packet_bytes) const;

  const config::Config& config_;
  const HostFacts& host_;
  std::uint64_t table_bytes_;
  std::vector<std::string> extra_;
  std::uint32_t frame_bytes_ = kStandardFrame;
  bool has_pci_ = false;
  EalPlan plan_;
};

// Lcore 0 is the main thread, which only waits for signals: it and the threads that it starts get
// the CPUs without a worker, or all of them when each has one. Lcore i + 1 is worker i, pinned.
base::Status Planner::add_cores() {
  if (has_option(extra_, {"-l", "-c", "--lcores", "-s", "-S"})) return {};
  const config::Workers& workers = config_.workers;
  std::vector<std::uint16_t> cores = workers.cores;
  if (cores.empty()) {
    if (workers.count > host_.cpus.size())
      return base::Error{fmt::format(
          "[workers] count = {}: this process may use {} CPUs only; lower count, or name the cores "
          "in [workers] cores to let workers share them",
          workers.count, host_.cpus.size())};
    cores.assign(host_.cpus.begin(), host_.cpus.begin() + workers.count);
  }
  if (cores.size() < workers.count)
    return base::Error{fmt::format("[workers] cores names {} cores for {} workers: name one each",
                                   cores.size(), workers.count)};
  cores.resize(workers.count);
  for (const std::uint16_t core : cores)
    if (std::ranges::find(host_.cpus, core) == host_.cpus.end())
      return base::Error{
          fmt::format("[workers] cores: CPU {} is not among those that this process may use ({})",
                      core, fmt::join(host_.cpus, ","))};
  std::vector<std::uint16_t> rest;
  std::ranges::copy_if(host_.cpus, std::back_inserter(rest), [&](std::uint16_t cpu) {
    return std::ranges::find(cores, cpu) == cores.end();
  });
  std::string lcores =
      fmt::format("--lcores=0@({})", fmt::join(rest.empty() ? host_.cpus : rest, ","));
  for (std::size_t i = 0; i < cores.size(); ++i) lcores += fmt::format(",{}@{}", i + 1, cores[i]);
  plan_.arguments.push_back(lcores);
  plan_.arguments.push_back("--main-lcore=0");
  return {};
}

base::Status Planner::add_devices() {
  if (config_.segments.empty())
    return base::Error{"no [[segment]] is configured: name at least one with its outside device"};
  for (const config::Segment& segment : config_.segments) {
    const std::string where = "segment " + segment.name;
    if (base::Status fault = add_device(where + " outside", segment.outside); !fault) return fault;
    if (config_.placement != config::Placement::inline_) continue;
    if (base::Status fault = add_device(where + " inside", segment.inside); !fault) return fault;
  }
  const std::set<std::string> names(plan_.ports.begin(), plan_.ports.end());
  if (names.size() != plan_.ports.size())
    return base::Error{fmt::format("a device is named twice among {}: each port needs its own",
                                   fmt::join(plan_.ports, ", "))};
  if (!has_pci_ && !has_option(extra_, {"-a", "--allow", "-b", "--block", "--no-pci"}))
    plan_.arguments.push_back("--no-pci");
  return {};
}

base::Status Planner::add_device(const std::string& where, const std::string& device) {
  switch (kind_of(device)) {
    case DeviceKind::vdev: {
      const std::string interface = argument_of(device, "iface");
      if (!interface.empty())
        if (base::Status fault = check_interface(where, interface); !fault) return fault;
      plan_.arguments.push_back("--vdev=" + device);
      plan_.ports.push_back(device.substr(0, device.find(',')));
      return {};
    }
    case DeviceKind::pci: {
      has_pci_ = true;
      plan_.arguments.push_back("-a");
      plan_.arguments.push_back(device);
      const std::string address = device.substr(0, device.find(','));
      plan_.ports.push_back(address.size() == 7 ? "0000:" + address : address);
      return {};
    }
    case DeviceKind::interface:
      return add_interface(where, device);
  }
  return base::Error{where + ": unknown kind of device"};
}

base::Status Planner::check_interface(const std::string& where, const std::string& name) {
  const Interface* interface = host_.find_interface(name);
  if (interface == nullptr) {
    std::vector<std::string> names;
    for (const Interface& other : host_.interfaces) names.push_back(other.name);
    return base::Error{fmt::format(
        "{}: there is no interface \"{}\" here; there are: {}. Name one of them, a PCI address or "
        "a DPDK device (net_...)",
        where, name, names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")))};
  }
  if (!host_.has_net_raw || !host_.has_net_admin)
    return base::Error{fmt::format(
        "{}: opening interface \"{}\" needs the capabilities CAP_NET_RAW and CAP_NET_ADMIN: run as "
        "root, or give the service AmbientCapabilities=CAP_NET_RAW CAP_NET_ADMIN",
        where, name)};
  if (!interface->is_up)
    plan_.notes.push_back(fmt::format(
        "{}: interface {} is down; nothing arrives until `ip link set {} up`", where, name, name));
  if (name == host_.default_route_interface && config_.placement == config::Placement::inline_)
    plan_.notes.push_back(fmt::format(
        "{}: interface {} holds this machine's default route; a bump in the wire there can cut "
        "off your own session",
        where, name));
  return {};
}

base::Status Planner::add_interface(const std::string& where, const std::string& name) {
  if (base::Status fault = check_interface(where, name); !fault) return fault;
  const Interface* interface = host_.find_interface(name);
  std::uint32_t frame = kStandardFrame;
  while (frame < interface->mtu + kFrameOverhead && frame < kFrameBytesMax) frame *= 2;
  frame_bytes_ = std::max(frame_bytes_, frame);
  const std::string port = "net_af_packet_" + name;
  // A block is at least a page and holds whole frames, as PACKET_RX_RING wants.
  plan_.arguments.push_back(fmt::format(
      "--vdev={},iface={},qpairs={},blocksz={},framesz={},framecnt={},qdisc_bypass=1", port, name,
      config_.workers.count, std::max(frame, 4096u), frame, kPacketSocketFrames));
  plan_.ports.push_back(port);
  return {};
}

void Planner::size_packet_pool() {
  plan_.data_room = static_cast<std::uint16_t>(frame_bytes_ + kHeadroom);
  const PoolNeed need{.ports = static_cast<std::uint32_t>(plan_.ports.size()),
                      .workers = config_.workers.count,
                      .descriptors = config_.workers.queue_descriptors};
  plan_.packets = std::max(config_.workers.mbufs, packets_needed(need));
  if (plan_.packets > config_.workers.mbufs)
    plan_.notes.push_back(fmt::format(
        "[workers] mbufs = {} is too few for {} ports and {} workers: {} are used",
        config_.workers.mbufs, plan_.ports.size(), config_.workers.count, plan_.packets));
}

// Buffers and tables are touched, all of them, at the start; of memory_mb only what is used. A
// kernel that promises more than it has would end the process in the middle of it.
base::Status Planner::check_memory(std::uint64_t packet_bytes) const {
  const std::uint64_t needed = packet_bytes + table_bytes_;
  if (host_.memory_bytes_available > 0 && needed > host_.memory_bytes_available)
    return base::Error{fmt::format(
        "[workers] mbufs = {} needs {} MiB and the tables of [table] {} MiB, and of this machine's "
        "{} MiB of ordinary memory {} MiB are available: write a smaller mbufs or smaller tables",
        plan_.packets, packet_bytes / kMiB, table_bytes_ / kMiB, host_.memory_bytes / kMiB,
        host_.memory_bytes_available / kMiB)};
  const std::uint64_t asked = std::uint64_t{config_.dpdk.memory_mb} * kMiB;
  if (host_.memory_bytes > 0 && asked > host_.memory_bytes)
    return base::Error{fmt::format(
        "[dpdk] memory_mb = {}: this machine has {} MiB of ordinary memory, and {} MiB are enough "
        "for {} packet buffers: write memory_mb = {}",
        config_.dpdk.memory_mb, host_.memory_bytes / kMiB, packet_bytes / kMiB + 1, plan_.packets,
        packet_bytes / kMiB + 1)};
  return {};
}

base::Status Planner::add_memory() {
  if (has_option(extra_, {"-m", "--socket-mem", "--no-huge", "--in-memory", "--legacy-mem"})) {
    plan_.has_hugepages = !has_option(extra_, {"--no-huge"});
    return {};
  }
  const config::Dpdk& dpdk = config_.dpdk;
  const std::uint64_t packet_bytes = pool_bytes(plan_.packets, plan_.data_room) + kEalOwnBytes;
  const std::uint64_t wanted =
      std::max<std::uint64_t>(std::uint64_t{dpdk.memory_mb} * kMiB, packet_bytes + table_bytes_);
  const bool is_enough = host_.hugepage_bytes_free >= wanted;
  const std::string command = fmt::format("sysctl -w vm.nr_hugepages={}",
                                          (wanted + host_.hugepage_size - 1) / host_.hugepage_size);
  if (dpdk.hugepages == config::Hugepages::required && !is_enough)
    return base::Error{fmt::format(
        "[dpdk] hugepages are required, but {} MiB of them are free and {} MiB are needed: run "
        "`{}`, or let [dpdk] hugepages choose by itself",
        host_.hugepage_bytes_free / kMiB, wanted / kMiB, command)};
  plan_.has_hugepages = dpdk.hugepages != config::Hugepages::off && is_enough;
  if (plan_.has_hugepages) {
    // In memory: no files stay in hugetlbfs after a crash, and none needs to be mounted.
    plan_.arguments.insert(plan_.arguments.end(),
                           {"--in-memory", "-m", fmt::to_string((wanted + kMiB - 1) / kMiB)});
    return {};
  }
  if (dpdk.hugepages == config::Hugepages::automatic)
    plan_.notes.push_back(fmt::format(
        "running without hugepages ({} MiB free, {} MiB wanted), which is slower: `{}` gives them",
        host_.hugepage_bytes_free / kMiB, wanted / kMiB, command));
  if (base::Status fault = check_memory(packet_bytes); !fault) return fault;
  const std::uint64_t ordinary =
      std::max<std::uint64_t>(std::uint64_t{dpdk.memory_mb} * kMiB, packet_bytes);
  plan_.arguments.insert(plan_.arguments.end(), {"--no-huge", "--no-shconf", "-m",
                                                 fmt::to_string((ordinary + kMiB - 1) / kMiB)});
  return {};
}

}  // namespace

DeviceKind kind_of(std::string_view device) noexcept {
  if (device.starts_with("net_")) return DeviceKind::vdev;
  return is_pci_address(device) ? DeviceKind::pci : DeviceKind::interface;
}

base::Result<EalPlan> plan_eal(const EalRequest& request) {
  return Planner(request).plan();
}

}  // namespace edgesentry::nic
