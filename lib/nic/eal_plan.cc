#include "nic/eal_plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <initializer_list>
#include <set>

#include "machine/memory_need.h"
#include "machine/placement.h"
#include "nic/packet_pool.h"

namespace edgesentry::nic {
namespace {

constexpr std::uint64_t kMiB = 1u << 20;
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

// net_af_packet opens a socket and a ring for each before it looks whether that can be: minutes of
// silence, and then a sentence of the kernel's.
base::Status check_queues(const std::string& where, const std::string& device) {
  const std::string text = argument_of(device, "qpairs");
  std::uint32_t pairs = 0;
  const auto [rest, fault] = std::from_chars(text.data(), text.data() + text.size(), pairs);
  if (text.empty() || (fault == std::errc() && rest == text.data() + text.size() && pairs > 0 &&
                       pairs <= RTE_MAX_QUEUES_PER_PORT))
    return {};
  return base::Error{fmt::format(
      "{}: qpairs={} of \"{}\": a port has 1 to {} queue pairs; write qpairs=COUNT with "
      "the number of workers, or the interface's name alone",
      where, text, device, RTE_MAX_QUEUES_PER_PORT)};
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
    find_ports();
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
  void find_ports();
  base::Status add_cores();
  base::Status add_devices();
  base::Status add_device(const std::string& where, const std::string& device);
  base::Status check_interface(const std::string& where, const std::string& name);
  base::Status add_interface(const std::string& where, const std::string& name);
  void size_packet_pool();
  [[nodiscard]] std::vector<machine::NodeNeed> node_needs() const;
  [[nodiscard]] std::string missing_pages(const std::vector<machine::NodeNeed>& needs) const;
  base::Status add_memory();
  base::Status check_memory(std::uint64_t packet_bytes) const;

  const config::Config& config_;
  const HostFacts& host_;
  std::uint64_t table_bytes_;
  std::vector<std::string> extra_;
  std::uint32_t frame_bytes_ = 0;
  bool has_pci_ = false;
  std::vector<machine::PortPlace> port_places_;
  machine::Placement placement_;  // empty: the operator's own arguments say it
  machine::MemoryNeed need_;
  EalPlan plan_;
};

void Planner::find_ports() {
  const bool is_inline = config_.placement == config::Placement::inline_;
  for (const config::Segment& segment : config_.segments) {
    port_places_.push_back({segment.name + (is_inline ? " outside" : ""), segment.outside,
                            host_.node_of(segment.outside)});
    if (is_inline)
      port_places_.push_back(
          {segment.name + " inside", segment.inside, host_.node_of(segment.inside)});
  }
}

// Lcore 0 is the main thread, which only waits for signals: it and the threads that it starts get
// the CPUs without a worker, or all of them when each has one. Lcore i + 1 is worker i, pinned.
base::Status Planner::add_cores() {
  if (has_option(extra_, {"-l", "-c", "--lcores", "-s", "-S"})) return {};
  std::vector<machine::Cpu> cpus;
  for (const std::uint16_t id : host_.cpus) {
    const machine::Cpu* known = host_.topology.find(id);
    cpus.push_back(known != nullptr ? *known : machine::Cpu{.id = id, .core = id});
  }
  const machine::PlacementRequest request{.cpus = cpus,
                                          .workers = config_.workers.count,
                                          .wanted = config_.workers.cores,
                                          .ports = port_places_};
  auto placed = machine::place(request);
  if (!placed) return placed.error();
  placement_ = std::move(placed).value();
  plan_.main_cpus = placement_.others;
  const std::vector<std::uint16_t>& cores = placement_.cores;
  std::string lcores = fmt::format("--lcores=0@({})", fmt::join(placement_.others, ","));
  for (std::size_t i = 0; i < cores.size(); ++i) lcores += fmt::format(",{}@{}", i + 1, cores[i]);
  plan_.arguments.push_back(lcores);
  plan_.arguments.push_back("--main-lcore=0");
  std::ranges::move(machine::far_workers(placement_, request), std::back_inserter(plan_.notes));
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
      if (base::Status fault = check_queues(where, device); !fault) return fault;
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
  const std::uint32_t frame = machine::frame_bytes(interface->mtu);
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
  need_ = machine::memory_need({.config = config_,
                                .ports = plan_.ports.size(),
                                .frame_bytes = frame_bytes_,
                                .table_bytes = table_bytes_});
  plan_.data_room = need_.data_room;
  plan_.packets = need_.packets;
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

// By node where there are several: EAL would spread a sum over the nodes of the lcores, not over
// those of the tables.
std::vector<machine::NodeNeed> Planner::node_needs() const {
  if (host_.hugepage_nodes.size() < 2) return {};
  return machine::need_by_node(need_, host_.topology, placement_,
                               machine::node_of_ports(port_places_));
}

std::string Planner::missing_pages(const std::vector<machine::NodeNeed>& needs) const {
  for (const machine::NodeNeed& need : needs) {
    const auto node = std::ranges::find(host_.hugepage_nodes, need.node, &NodePages::node);
    const std::uint64_t free = node == host_.hugepage_nodes.end() ? 0 : node->bytes_free;
    if (free < need.bytes)
      return fmt::format("{} MiB free and {} MiB wanted on NUMA node {}", free / kMiB,
                         need.bytes / kMiB, need.node);
  }
  return host_.hugepage_bytes_free >= need_.huge
             ? ""
             : fmt::format("{} MiB free, {} MiB wanted", host_.hugepage_bytes_free / kMiB,
                           need_.huge / kMiB);
}

base::Status Planner::add_memory() {
  if (has_option(extra_, {"-m", "--socket-mem", "--no-huge", "--in-memory", "--legacy-mem"})) {
    plan_.has_hugepages = !has_option(extra_, {"--no-huge"});
    return {};
  }
  const config::Dpdk& dpdk = config_.dpdk;
  const std::vector<machine::NodeNeed> needs = node_needs();
  const std::string missing = missing_pages(needs);
  const std::string command = fmt::format(
      "sysctl -w vm.nr_hugepages={}", (need_.huge + host_.hugepage_size - 1) / host_.hugepage_size);
  if (dpdk.hugepages == config::Hugepages::required && !missing.empty())
    return base::Error{fmt::format(
        "[dpdk] hugepages are required, but there are too few ({}): run `{}`, or let [dpdk] "
        "hugepages choose by itself; `edgesentry doctor` tells more",
        missing, command)};
  plan_.has_hugepages = dpdk.hugepages != config::Hugepages::off && missing.empty();
  if (plan_.has_hugepages) {
    // In memory: no files stay in hugetlbfs after a crash, and none needs to be mounted.
    plan_.arguments.push_back("--in-memory");
    if (needs.empty()) {
      plan_.arguments.insert(plan_.arguments.end(),
                             {"-m", fmt::to_string((need_.huge + kMiB - 1) / kMiB)});
      return {};
    }
    std::vector<std::uint64_t> by_node(static_cast<std::size_t>(needs.back().node) + 1);
    for (const machine::NodeNeed& need : needs)
      by_node[static_cast<std::size_t>(need.node)] = (need.bytes + kMiB - 1) / kMiB;
    plan_.arguments.push_back(fmt::format("--socket-mem={}", fmt::join(by_node, ",")));
    plan_.packet_node =
        machine::packet_node(host_.topology, placement_, machine::node_of_ports(port_places_));
    return {};
  }
  if (dpdk.hugepages == config::Hugepages::automatic)
    plan_.notes.push_back(fmt::format(
        "running without hugepages ({}), which is slower: `{}` gives them", missing, command));
  if (base::Status fault = check_memory(need_.packet_bytes); !fault) return fault;
  plan_.arguments.insert(
      plan_.arguments.end(),
      {"--no-huge", "--no-shconf", "-m", fmt::to_string((need_.ordinary + kMiB - 1) / kMiB)});
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
