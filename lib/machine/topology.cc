#include "machine/topology.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <iterator>

namespace edgesentry::machine {
namespace {

constexpr std::string_view kCpus = "/sys/devices/system/cpu";
constexpr std::string_view kNodes = "/sys/devices/system/node";

std::vector<std::uint16_t> read_list(const Tree& tree, const std::string& path) {
  const auto text = tree.text(path);
  return text ? parse_cpu_list(*text).value_or(std::vector<std::uint16_t>{})
              : std::vector<std::uint16_t>{};
}

bool contains(const std::vector<std::uint16_t>& cpus, std::uint16_t cpu) {
  return std::ranges::binary_search(cpus, cpu);
}

cpu_set_t set_of(const std::vector<std::uint16_t>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const std::uint16_t cpu : cpus)
    if (cpu < CPU_SETSIZE) CPU_SET(cpu, &set);
  return set;
}

bool try_cpu(std::uint16_t cpu) {
  cpu_set_t before;
  if (::sched_getaffinity(0, sizeof before, &before) != 0) return false;
  const cpu_set_t wanted = set_of({cpu});
  if (::sched_setaffinity(0, sizeof wanted, &wanted) != 0) return false;
  return ::sched_setaffinity(0, sizeof before, &before) == 0;
}

}  // namespace

const Cpu* Topology::find(std::uint16_t id) const noexcept {
  const auto found = std::ranges::find(cpus, id, &Cpu::id);
  return found == cpus.end() ? nullptr : &*found;
}

std::optional<std::vector<std::uint16_t>> parse_cpu_list(std::string_view text) {
  std::vector<std::uint16_t> cpus;
  text = trimmed(text);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    const std::string_view range = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t dash = range.find('-');
    const auto first = to_number(range.substr(0, dash));
    const auto last = dash == range.npos ? first : to_number(range.substr(dash + 1));
    if (!first || !last || *first < 0 || *last < *first) return std::nullopt;
    for (std::int64_t cpu = *first; cpu <= *last && cpu < kCpusMax; ++cpu)
      cpus.push_back(static_cast<std::uint16_t>(cpu));
  }
  std::ranges::sort(cpus);
  cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
  return cpus;
}

std::string to_cpu_list(const std::vector<std::uint16_t>& cpus) {
  std::string out;
  for (std::size_t i = 0; i < cpus.size();) {
    std::size_t last = i;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
    out += fmt::format("{}{}", out.empty() ? "" : ",", cpus[i]);
    if (last > i) out += fmt::format("-{}", cpus[last]);
    i = last + 1;
  }
  return out.empty() ? "none" : out;
}

Topology read_topology(const Tree& tree) {
  const std::string cpus(kCpus), nodes(kNodes);
  Topology topology;
  const auto isolated = read_list(tree, cpus + "/isolated");
  topology.tickless = read_list(tree, cpus + "/nohz_full");
  for (const std::uint16_t id : read_list(tree, cpus + "/online")) {
    const auto siblings =
        read_list(tree, fmt::format("{}/cpu{}/topology/thread_siblings_list", cpus, id));
    topology.cpus.push_back({.id = id,
                             .core = contains(siblings, id) ? siblings.front() : id,
                             .is_isolated = contains(isolated, id)});
  }
  for (const std::string& name : tree.names(kNodes)) {
    if (!name.starts_with("node")) continue;
    const auto number = to_number(std::string_view(name).substr(4));
    if (!number || *number < 0 || *number >= kCpusMax) continue;
    const int node = static_cast<int>(*number);
    topology.nodes.push_back(node);
    for (const std::uint16_t id : read_list(tree, fmt::format("{}/{}/cpulist", nodes, name))) {
      const auto cpu = std::ranges::find(topology.cpus, id, &Cpu::id);
      if (cpu != topology.cpus.end()) cpu->node = node;
    }
  }
  std::ranges::sort(topology.nodes);
  return topology;
}

std::vector<std::uint16_t> usable_cpus(const Topology& topology, const Affinity& affinity) {
  std::vector<std::uint16_t> ordinary;
  for (const Cpu& cpu : topology.cpus)
    if (!cpu.is_isolated) ordinary.push_back(cpu.id);
  // Somebody has chosen these on purpose.
  if (affinity.now != ordinary || affinity.may_run_on == nullptr) return affinity.now;
  std::vector<std::uint16_t> usable = affinity.now;
  for (const Cpu& cpu : topology.cpus)
    if (cpu.is_isolated && affinity.may_run_on(cpu.id)) usable.push_back(cpu.id);
  std::ranges::sort(usable);
  return usable;
}

Affinity read_affinity() {
  Affinity affinity{.now = {}, .may_run_on = try_cpu};
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return affinity;
  for (std::uint16_t cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &allowed)) affinity.now.push_back(cpu);
  return affinity;
}

}  // namespace edgesentry::machine
