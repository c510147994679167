#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "doctor/checks.h"

namespace edgesentry::doctor {
namespace {

constexpr std::string_view kArea = "cores";
constexpr std::size_t kWorkersMost = 64;
using Ids = std::vector<std::uint16_t>;

Ids sorted(Ids ids) {
  std::ranges::sort(ids);
  return ids;
}

const machine::Cpu* find(const Patient& patient, std::uint16_t id) {
  const auto found = std::ranges::find(patient.cpus, id, &machine::Cpu::id);
  return found == patient.cpus.end() ? nullptr : &*found;
}

// CPUs that a control group allows at a time; 0: as many as there are, or unknown.
double quota_at(const machine::Tree& tree, const std::string& folder) {
  const auto modern = tree.line(folder + "/cpu.max");  // "150000 100000", "max 100000"
  const auto words = machine::words_of(modern ? std::string_view(*modern) : std::string_view());
  auto quota =
      words.size() == 2 ? machine::to_number(words[0]) : tree.number(folder + "/cpu.cfs_quota_us");
  auto period =
      words.size() == 2 ? machine::to_number(words[1]) : tree.number(folder + "/cpu.cfs_period_us");
  if (!quota || !period || *quota <= 0 || *period <= 0) return 0;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

// Of this program's own group and of the service's, the smaller; groups above them count too.
double cpu_quota(const machine::Tree& tree) {
  std::vector<std::string> folders = {"/sys/fs/cgroup/system.slice/edgesentryd.service"};
  const std::string own = tree.text("/proc/self/cgroup").value_or("");
  std::string_view rest = own;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view row = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const bool is_modern = row.starts_with("0::/");
    const std::size_t path = row.find(":/");
    if (path == row.npos || (!is_modern && row.find(":cpu") == row.npos)) continue;
    const std::string base = is_modern ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu";
    if (row.find("..") != row.npos || row.size() > 512) continue;
    folders.push_back(base + std::string(row.substr(path + 1)));
  }
  double least = 0;
  for (const std::string& folder : folders) {
    const double quota = quota_at(tree, folder);
    if (quota > 0 && (least == 0 || quota < least)) least = quota;
  }
  return least;
}

Finding check_count(const Patient& patient) {
  Ids ids;
  for (const machine::Cpu& cpu : patient.cpus) ids.push_back(cpu.id);
  Finding finding{.area = kArea, .check = "CPUs", .found = ""};
  finding.found = fmt::format("{} of {} online may be used: {}", ids.size(),
                              patient.topology.cpus.size(), machine::to_cpu_list(ids));
  if (ids.empty()) {
    finding.status = Status::unknown;
    return finding;
  }
  const double quota = cpu_quota(patient.tree);
  if (quota == 0 || quota >= patient.config.workers.count + 1) return finding;
  finding.status = Status::warn;
  finding.found += fmt::format("; a control group allows {:.1f} CPUs at a time", quota);
  finding.why = fmt::format(
      "{} workers and the control thread are stopped for a part of each "
      "period, and packets are lost meanwhile",
      patient.config.workers.count);
  finding.fix = "systemctl set-property edgesentryd.service CPUQuota=";
  return finding;
}

Finding check_placement(const Patient& patient) {
  Finding finding{.area = kArea, .check = "workers", .found = ""};
  if (const nlohmann::json now = patient.said("/machine/worker_cpus"); now.is_array()) {
    std::vector<std::uint64_t> cpus;
    for (const nlohmann::json& cpu : now)
      if (cpu.is_number_unsigned() && cpus.size() < kWorkersMost) cpus.push_back(cpu);
    finding.found = fmt::format("{} running, on CPUs {}", cpus.size(), fmt::join(cpus, ","));
    return finding;
  }
  if (patient.has_own_cores()) {
    finding.found = "left to the arguments in [dpdk] eal_args";
    return finding;
  }
  if (!patient.placement) {
    finding.status = Status::fail;
    finding.found = patient.refusal;
    finding.why = "edgesentryd does not start so";
    finding.fix = fmt::format(
        "write count = {} below [workers] in {}, or other cores",
        std::max<std::size_t>(
            1, std::min<std::size_t>(patient.cpus.size(), patient.config.workers.count)),
        patient.config.path);
    return finding;
  }
  const machine::Placement& placement = *patient.placement;
  finding.found = fmt::format(
      "{} on CPU{} {} ({}), everything else on {}",
      placement.cores.size() == 1 ? "worker 0" : fmt::format("{} workers", placement.cores.size()),
      placement.cores.size() == 1 ? "" : "s", fmt::join(placement.cores, ","),
      placement.is_chosen ? "chosen" : "named in [workers] cores",
      machine::to_cpu_list(placement.others));
  Ids once = sorted(placement.cores);
  once.erase(std::ranges::unique(once).begin(), once.end());
  if (once.size() == placement.cores.size()) return finding;
  finding.status = Status::warn;
  finding.why = "workers that share a CPU wait for each other";
  finding.fix = fmt::format("name {} different CPUs in [workers] cores", placement.cores.size());
  return finding;
}

Finding check_control(const Patient& patient, const machine::Placement& placement) {
  Finding finding{.area = kArea, .check = "control thread", .found = ""};
  const bool spins = patient.config.workers.idle == config::Idle::poll;
  if (!placement.are_shared) {
    finding.found =
        fmt::format("has CPUs without a worker: {}", machine::to_cpu_list(placement.others));
    return finding;
  }
  finding.status = Status::warn;
  finding.found = fmt::format(
      "every CPU has a worker, which {}",
      spins ? "always spins (idle = \"poll\")" : "sleeps when nothing comes (idle = \"adaptive\")");
  finding.why = spins ? "control, logs and the API get only what the scheduler takes from workers "
                        "that never rest: alerts and answers come late and packets are lost"
                      : "under load control, logs and the API take time from the workers";
  finding.fix = placement.cores.size() > 1
                    ? fmt::format("write count = {} below [workers]{}", placement.cores.size() - 1,
                                  spins ? ", or idle = \"adaptive\"" : "")
                    : std::string(spins ? "write idle = \"adaptive\" below [workers], or add a CPU"
                                        : "add a CPU to this machine");
  return finding;
}

// The kernel wants CPU 0 for itself. Isolated CPUs are chosen first, so that others than now may be
// proposed where the operator has named none.
machine::Placement isolated_placement(const Patient& patient, const machine::Placement& now) {
  if (!now.is_chosen) return now;
  std::vector<machine::Cpu> cpus = patient.cpus;
  std::erase_if(cpus, [](const machine::Cpu& cpu) { return cpu.id == 0; });
  machine::PlacementRequest request = patient.placement_request();
  request.cpus = cpus;
  auto placed = machine::place(request);
  if (!placed) return now;
  machine::Placement better = std::move(placed).value();
  better.others.clear();
  for (const machine::Cpu& cpu : patient.cpus)
    if (std::ranges::find(better.cores, cpu.id) == better.cores.end())
      better.others.push_back(cpu.id);
  return better;
}

// In host placement the machine has other work to do, and its workers mostly sleep.
Finding check_isolation(const Patient& patient, const machine::Placement& placement) {
  Finding finding{.area = kArea, .check = "isolation", .found = ""};
  Ids bare;
  for (const std::uint16_t core : sorted(placement.cores)) {
    const machine::Cpu* cpu = find(patient, core);
    const bool is_tickless = std::ranges::binary_search(patient.topology.tickless, core);
    if (cpu == nullptr || !cpu->is_isolated || !is_tickless) bare.push_back(core);
  }
  if (bare.empty()) {
    finding.found = "the kernel keeps other work and its tick off the workers' CPUs";
    return finding;
  }
  finding.found = fmt::format(
      "CPU{} {} also run{} other programs, interrupts and the kernel's tick",
      bare.size() == 1 ? "" : "s", machine::to_cpu_list(bare), bare.size() == 1 ? "s" : "");
  if (patient.config.placement == config::Placement::host) {
    finding.found += "; a host needs no more";
    return finding;
  }
  finding.status = Status::warn;
  finding.why =
      "whatever else runs there stops a worker for a while: rings fill and packets are "
      "lost at line rate";
  if (placement.are_shared) {
    finding.fix = "leave one CPU without a worker first";
    return finding;
  }
  const machine::Placement better = isolated_placement(patient, placement);
  finding.fix = fmt::format(
      "add isolcpus=managed_irq,domain,{0} nohz_full={0} rcu_nocbs={0} irqaffinity={1} to "
      "GRUB_CMDLINE_LINUX in /etc/default/grub; update-grub; reboot",
      machine::to_cpu_list(sorted(better.cores)), machine::to_cpu_list(better.others));
  return finding;
}

Finding check_siblings(const Patient& patient, const machine::Placement& placement) {
  Finding finding{.area = kArea, .check = "SMT siblings", .found = ""};
  std::vector<std::string> pairs;
  for (std::size_t i = 0; i < placement.cores.size(); ++i)
    for (std::size_t j = i + 1; j < placement.cores.size(); ++j) {
      const machine::Cpu* a = find(patient, placement.cores[i]);
      const machine::Cpu* b = find(patient, placement.cores[j]);
      if (a != nullptr && b != nullptr && a->id != b->id && a->core == b->core)
        pairs.push_back(fmt::format("workers {} and {} (CPUs {},{})", i, j, a->id, b->id));
    }
  if (pairs.empty()) {
    finding.found = "each worker has a physical core for itself";
    // A whole core, unless something else of ours runs on the other half of it.
    for (const std::uint16_t other : placement.others)
      for (const std::uint16_t core : placement.cores) {
        const machine::Cpu* a = find(patient, other);
        const machine::Cpu* b = find(patient, core);
        if (a != nullptr && b != nullptr && a->id != b->id && a->core == b->core)
          finding.found = fmt::format(
              "no two workers share a core; control runs beside the worker on CPU {}", core);
      }
    return finding;
  }
  finding.status = Status::warn;
  finding.found = fmt::format("{} share a physical core", fmt::join(pairs, ", "));
  finding.why =
      "two threads of one core share its caches and units: together they do little more than one";
  finding.fix =
      fmt::format("write count = {} below [workers], or name CPUs of different cores (lscpu -e)",
                  placement.cores.size() - std::min(pairs.size(), placement.cores.size() - 1));
  return finding;
}

}  // namespace

Findings check_cores(const Patient& patient) {
  Findings all = {check_count(patient), check_placement(patient)};
  if (!patient.placement || patient.has_own_cores()) return all;
  all.push_back(check_control(patient, *patient.placement));
  all.push_back(check_isolation(patient, *patient.placement));
  all.push_back(check_siblings(patient, *patient.placement));
  return all;
}

}  // namespace edgesentry::doctor
