#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "doctor/checks.h"

namespace edgesentry::doctor {
namespace {

constexpr std::string_view kArea = "cores";
constexpr double kStealMost = 1.0;  // percent

Finding check_governor(const Patient& patient, const machine::Placement& placement) {
  Finding finding{.area = kArea, .check = "frequency", .found = ""};
  std::map<std::string, std::vector<std::uint16_t>> by_governor;
  for (const std::uint16_t core : placement.cores)
    if (const auto governor = patient.tree.line(
            fmt::format("/sys/devices/system/cpu/cpu{}/cpufreq/scaling_governor", core)))
      by_governor[governor->substr(0, 32)].push_back(core);
  if (by_governor.empty()) {
    finding.status = Status::unknown;
    finding.found = "the kernel controls none here: a virtual machine, or the firmware does";
    return finding;
  }
  for (auto& [governor, cores] : by_governor) {
    std::ranges::sort(cores);
    finding.found += fmt::format("{}{} on CPU {}", finding.found.empty() ? "" : ", ", governor,
                                 machine::to_cpu_list(cores));
    if (governor != "performance") finding.status = Status::warn;
  }
  if (finding.status == Status::ok) return finding;
  finding.why = "a core that slows down when little comes needs milliseconds to be fast again";
  finding.fix = "cpupower frequency-set -g performance";
  return finding;
}

// proc(5): user nice system idle iowait irq softirq steal guest guest_nice, of which the last two
// are in user and nice already.
std::optional<double> steal_of(std::string_view stat, std::uint16_t cpu) {
  const auto words = machine::words_of(machine::value_of(stat, fmt::format("cpu{}", cpu)));
  if (words.size() < 8) return std::nullopt;
  double all = 0, stolen = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    const auto ticks = machine::to_number(words[i]);
    if (!ticks || *ticks < 0) return std::nullopt;
    all += static_cast<double>(*ticks);
    if (i == 7) stolen = static_cast<double>(*ticks);
  }
  return all > 0 ? std::optional(100 * stolen / all) : std::nullopt;
}

Finding check_steal(const Patient& patient, const machine::Placement& placement) {
  Finding finding{.area = kArea, .check = "steal time", .found = ""};
  const std::string stat = patient.tree.text("/proc/stat").value_or("");
  double most = -1;
  for (const std::uint16_t core : placement.cores)
    most = std::max(most, steal_of(stat, core).value_or(-1));
  if (most < 0) {
    finding.status = Status::unknown;
    finding.found = "the kernel does not say";
    return finding;
  }
  finding.found = fmt::format("{:.1f} % of the workers' CPUs since the start of the machine", most);
  if (most <= kStealMost) return finding;
  finding.status = Status::warn;
  finding.why = "the hypervisor gives this time to other machines, and packets are lost meanwhile";
  finding.fix = "ask the provider for dedicated CPUs, or on the hypervisor: virsh vcpupin";
  return finding;
}

}  // namespace

Findings check_speed(const Patient& patient) {
  if (!patient.placement || patient.has_own_cores()) return {};
  return {check_governor(patient, *patient.placement), check_steal(patient, *patient.placement)};
}

}  // namespace edgesentry::doctor
