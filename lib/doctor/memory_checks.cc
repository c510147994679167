#include <fmt/format.h>

#include <algorithm>

#include "doctor/checks.h"

namespace edgesentry::doctor {
namespace {

constexpr std::string_view kArea = "memory";
constexpr std::uint64_t kMiB = 1u << 20, kGiB = 1u << 30;
constexpr std::string_view kSlower =
    "packets and tables then lie in ordinary pages: each look-up costs another walk through the "
    "page tables, which is most of it with large tables";

// Nothing that is counted in here may overflow.
constexpr std::int64_t kKibMost = 1 << 22, kPagesMost = 1 << 28;

struct Pages {
  std::uint64_t bytes_each = 0, total = 0, free = 0;
};

// Of one folder such as /sys/kernel/mm/hugepages; empty: the kernel has none.
std::vector<Pages> read_pages(const machine::Tree& tree, const std::string& folder) {
  constexpr std::string_view kPrefix = "hugepages-", kSuffix = "kB";
  std::vector<Pages> all;
  for (const std::string& name : tree.names(folder)) {
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    const auto kib = machine::to_number(std::string_view(name).substr(
        kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size()));
    const auto total = tree.number(folder + "/" + name + "/nr_hugepages");
    const auto free = tree.number(folder + "/" + name + "/free_hugepages");
    if (!kib || *kib <= 0 || *kib > kKibMost) continue;
    const auto sane = [](const std::optional<std::int64_t>& number) {
      return static_cast<std::uint64_t>(
          std::clamp<std::int64_t>(number.value_or(0), 0, kPagesMost));
    };
    all.push_back({static_cast<std::uint64_t>(*kib) * 1024, sane(total), sane(free)});
  }
  std::ranges::sort(all, {}, &Pages::bytes_each);
  return all;
}

std::uint64_t free_bytes(const std::vector<Pages>& pages) {
  std::uint64_t bytes = 0;
  for (const Pages& each : pages) bytes += each.bytes_each * each.free;
  return bytes;
}

std::string in_words(const std::vector<Pages>& pages) {
  std::string out;
  for (const Pages& each : pages)
    out += fmt::format("{}{} of {} pages of {} {} free", out.empty() ? "" : ", ", each.free,
                       each.total,
                       each.bytes_each >= kGiB ? each.bytes_each / kGiB : each.bytes_each / kMiB,
                       each.bytes_each >= kGiB ? "GiB" : "MiB");
  return out;
}

// So many pages of the first size that what is missing is free as well.
std::string reserve(const std::vector<Pages>& pages, std::uint64_t wanted, int node) {
  const Pages small = pages.empty() ? Pages{.bytes_each = 2 * kMiB} : pages.front();
  const std::uint64_t missing = wanted - std::min(wanted, free_bytes(pages));
  const std::uint64_t count = small.total + (missing + small.bytes_each - 1) / small.bytes_each;
  if (node >= 0)
    return fmt::format(
        "echo {} > /sys/devices/system/node/node{}/hugepages/hugepages-{}kB/nr_hugepages", count,
        node, small.bytes_each / 1024);
  return fmt::format("sysctl -w vm.nr_hugepages={}", count);
}

Finding judge(const Patient& patient, Finding finding, std::uint64_t wanted,
              const std::vector<Pages>& pages, int node) {
  const std::uint64_t free = free_bytes(pages);
  finding.found =
      fmt::format("{} MiB wanted, {} MiB free ({})", wanted / kMiB, free / kMiB, in_words(pages));
  if (free >= wanted) return finding;
  const bool must = patient.config.dpdk.hugepages == config::Hugepages::required;
  finding.status = must ? Status::fail : Status::warn;
  finding.why = must ? "[dpdk] hugepages are required: edgesentryd refuses to start without them"
                     : std::string(kSlower);
  finding.fix = reserve(pages, wanted, node);
  return finding;
}

Findings check_hugepages(const Patient& patient) {
  const Finding finding{.area = kArea, .check = "hugepages", .found = ""};
  const auto say = [&](Status status, std::string found) {
    Finding said = finding;
    said.status = status;
    said.found = std::move(found);
    return Findings{said};
  };
  if (patient.has_own_memory()) return say(Status::ok, "left to the arguments in [dpdk] eal_args");
  const std::vector<Pages> pages = read_pages(patient.tree, "/sys/kernel/mm/hugepages");
  if (patient.said("/machine/hugepages") == true)
    return say(Status::ok, fmt::format("the running appliance has its {} MiB; beside it {}",
                                       patient.need.huge / kMiB, in_words(pages)));
  if (patient.config.dpdk.hugepages == config::Hugepages::off)
    return say(Status::ok, "not asked for ([dpdk] hugepages = \"off\")");
  if (pages.empty()) return say(Status::unknown, "this kernel shows no hugepages");
  const auto needs = patient.placement
                         ? machine::need_by_node(patient.need, patient.topology, *patient.placement,
                                                 machine::node_of_ports(patient.ports))
                         : std::vector<machine::NodeNeed>{};
  if (needs.empty()) return {judge(patient, finding, patient.need.huge, pages, -1)};
  Findings all;
  for (const machine::NodeNeed& need : needs) {
    Finding of_node = finding;
    of_node.check = fmt::format("hugepages of node {}", need.node);
    const auto there = read_pages(
        patient.tree, fmt::format("/sys/devices/system/node/node{}/hugepages", need.node));
    all.push_back(judge(patient, of_node, need.bytes, there, need.node));
  }
  return all;
}

Finding check_gigabyte_pages(const Patient& patient) {
  Finding finding{.area = kArea, .check = "1 GiB pages", .found = "none reserved; not needed"};
  const std::uint64_t tables = patient.need.table_bytes / patient.config.workers.count;
  for (const Pages& each : read_pages(patient.tree, "/sys/kernel/mm/hugepages"))
    if (each.bytes_each == kGiB && each.total > 0) {
      finding.found = in_words({each});
      return finding;
    }
  if (tables < kGiB || patient.config.dpdk.hugepages == config::Hugepages::off) return finding;
  finding.status = Status::warn;
  finding.found = fmt::format("none reserved, and each worker's tables take {} MiB", tables / kMiB);
  finding.why = "with pages of 2 MiB the tables of a worker exceed what the TLB of a core covers";
  finding.fix = fmt::format(
      "add hugepagesz=1G hugepages={} to GRUB_CMDLINE_LINUX in /etc/default/grub; update-grub; "
      "reboot",
      (patient.need.huge + kGiB - 1) / kGiB);
  return finding;
}

std::vector<std::string> mounts_of(const machine::Tree& tree) {
  std::vector<std::string> places;
  const std::string mounts = tree.text("/proc/mounts").value_or("");
  std::string_view rest = mounts;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const auto words = machine::words_of(rest.substr(0, end));
    if (words.size() > 2 && words[2] == "hugetlbfs") places.emplace_back(words[1]);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return places;
}

// DPDK names the files of a program PREFIXmap_N; "rte" is the prefix of those that name none.
Findings check_mounts(const Patient& patient) {
  const auto places = mounts_of(patient.tree);
  Finding mount{.area = kArea,
                .check = "hugetlbfs",
                .found = places.empty() ? "not mounted, and not needed: pages are held in memory"
                                        : "mounted on " + places.front()};
  if (places.empty() && patient.has_own_memory()) {
    mount.status = Status::warn;
    mount.found = "not mounted, and [dpdk] eal_args may ask for it";
    mount.why = "without --in-memory DPDK keeps its pages in files there";
    mount.fix = "mkdir -p /dev/hugepages; mount -t hugetlbfs nodev /dev/hugepages";
  }
  Finding left{.area = kArea, .check = "left-over files", .found = "none in hugetlbfs"};
  for (const std::string& place : places) {
    std::size_t count = 0;
    for (const std::string& name : patient.tree.names(place))
      if (name.starts_with(patient.config.dpdk.file_prefix + "map_") || name.starts_with("rtemap_"))
        ++count;
    if (count == 0) continue;
    left.status = Status::warn;
    left.found = fmt::format("{} files of DPDK programs in {}", count, place);
    left.why = "each holds a hugepage until it is deleted, also after its program has crashed";
    left.fix = fmt::format("when no DPDK program runs: rm {0}/rtemap_* {0}/{1}map_*", place,
                           patient.config.dpdk.file_prefix);
  }
  return {mount, left};
}

Finding check_transparent(const Patient& patient) {
  Finding finding{.area = kArea, .check = "transparent hugepages", .found = ""};
  const auto text = patient.tree.line("/sys/kernel/mm/transparent_hugepage/enabled");
  const std::size_t begin = text ? text->find('[') : std::string::npos;
  const std::size_t end = text ? text->find(']') : std::string::npos;
  if (begin == std::string::npos || end == std::string::npos || end < begin) {
    finding.status = Status::unknown;
    finding.found = "this kernel shows no setting";
    return finding;
  }
  finding.found = text->substr(begin + 1, end - begin - 1);
  if (finding.found != "never") return finding;
  finding.status = Status::warn;
  finding.why = "tables in ordinary memory ask for them, and get small pages";
  finding.fix = "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled";
  return finding;
}

Finding check_ordinary(const Patient& patient) {
  Finding finding{.area = kArea, .check = "ordinary memory", .found = ""};
  const std::string info = patient.tree.text("/proc/meminfo").value_or("");
  const auto words = machine::words_of(machine::value_of(info, "MemAvailable"));
  const auto kib = words.empty() ? std::nullopt : machine::to_number(words.front());
  if (!kib || *kib < 0) {
    finding.status = Status::unknown;
    finding.found = "the kernel does not say how much is available";
    return finding;
  }
  const std::uint64_t available = static_cast<std::uint64_t>(*kib) / 1024;
  const std::uint64_t needed = (patient.need.packet_bytes + patient.need.table_bytes) / kMiB;
  finding.found =
      fmt::format("{} MiB available; packets and tables take {} MiB", available, needed);
  if (available >= needed || patient.is_running()) return finding;
  finding.status = Status::fail;
  finding.why = "without hugepages edgesentryd does not start with less than it needs";
  finding.fix = "write smaller [table] sources or [workers] mbufs, or reserve hugepages";
  return finding;
}

}  // namespace

Findings check_memory(const Patient& patient) {
  Findings all = check_hugepages(patient);
  const bool has_enough =
      std::ranges::all_of(all, [](const Finding& finding) { return finding.status == Status::ok; });
  const bool uses_them = has_enough && patient.config.dpdk.hugepages != config::Hugepages::off;
  all.push_back(check_gigabyte_pages(patient));
  std::ranges::move(check_mounts(patient), std::back_inserter(all));
  if (!uses_them) {
    all.push_back(check_transparent(patient));
    all.push_back(check_ordinary(patient));
  }
  return all;
}

}  // namespace edgesentry::doctor
