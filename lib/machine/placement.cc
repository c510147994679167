#include "machine/placement.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

namespace edgesentry::machine {
namespace {

const Cpu* find(std::span<const Cpu> cpus, std::uint16_t id) {
  const auto found = std::ranges::find(cpus, id, &Cpu::id);
  return found == cpus.end() ? nullptr : &*found;
}

std::vector<std::uint16_t> ids_of(std::span<const Cpu> cpus) {
  std::vector<std::uint16_t> ids;
  for (const Cpu& cpu : cpus) ids.push_back(cpu.id);
  return ids;
}

bool contains(std::span<const std::uint16_t> ids, std::uint16_t id) {
  return std::ranges::find(ids, id) != ids.end();
}

std::vector<std::uint16_t> choose(const PlacementRequest& request) {
  const int node = node_of_ports(request.ports);
  std::vector<const Cpu*> free;
  for (const Cpu& cpu : request.cpus) free.push_back(&cpu);
  std::vector<std::uint16_t> chosen, used_cores;
  while (chosen.size() < request.workers && !free.empty()) {
    const auto rank = [&](const Cpu* cpu) {
      const bool is_far = node >= 0 && cpu->node >= 0 && cpu->node != node;
      return std::tuple(!cpu->is_isolated, contains(used_cores, cpu->core), is_far, cpu->id);
    };
    const auto best = std::ranges::min_element(free, {}, rank);
    chosen.push_back((*best)->id);
    used_cores.push_back((*best)->core);
    free.erase(best);
  }
  return chosen;
}

// Those left, without the isolated ones and the SMT siblings of workers where some remain then: an
// isolated CPU gets no help from the scheduler, and a sibling would slow its worker down.
std::vector<std::uint16_t> choose_others(const PlacementRequest& request,
                                         std::span<const std::uint16_t> cores) {
  std::vector<const Cpu*> left;
  for (const Cpu& cpu : request.cpus)
    if (!contains(cores, cpu.id)) left.push_back(&cpu);
  const auto drop = [&](auto is_unwanted) {
    if (std::ranges::all_of(left, is_unwanted)) return;
    std::erase_if(left, is_unwanted);
  };
  drop([](const Cpu* cpu) { return cpu->is_isolated; });
  drop([&](const Cpu* cpu) {
    return std::ranges::any_of(cores, [&](std::uint16_t core) {
      const Cpu* worker = find(request.cpus, core);
      return worker != nullptr && worker->core == cpu->core;
    });
  });
  std::vector<std::uint16_t> ids;
  for (const Cpu* cpu : left) ids.push_back(cpu->id);
  return ids;
}

}  // namespace

int node_of_ports(std::span<const PortPlace> ports) {
  std::map<int, std::size_t> counts;
  for (const PortPlace& port : ports)
    if (port.node >= 0) ++counts[port.node];
  int best = -1;
  for (const PortPlace& port : ports)
    if (port.node >= 0 && (best < 0 || counts[port.node] > counts[best])) best = port.node;
  return best;
}

base::Result<Placement> place(const PlacementRequest& request) {
  Placement placement{.cores = request.wanted, .others = {}, .is_chosen = request.wanted.empty()};
  if (request.wanted.empty()) {
    if (request.workers > request.cpus.size())
      return base::Error{fmt::format(
          "[workers] count = {}: this process may use {} CPUs only; lower count, or name the cores "
          "in [workers] cores to let workers share them",
          request.workers, request.cpus.size())};
    placement.cores = choose(request);
  }
  if (placement.cores.size() < request.workers)
    return base::Error{fmt::format("[workers] cores names {} cores for {} workers: name one each",
                                   placement.cores.size(), request.workers)};
  placement.cores.resize(request.workers);
  for (const std::uint16_t core : placement.cores)
    if (find(request.cpus, core) == nullptr)
      return base::Error{
          fmt::format("[workers] cores: CPU {} is not among those that this process may use ({})",
                      core, fmt::join(ids_of(request.cpus), ","))};
  placement.others = choose_others(request, placement.cores);
  placement.are_shared = placement.others.empty();
  if (placement.are_shared) placement.others = ids_of(request.cpus);
  return placement;
}

std::vector<std::string> far_workers(const Placement& placement, const PlacementRequest& request) {
  std::vector<std::string> sentences;
  for (const PortPlace& port : request.ports) {
    if (port.node < 0) continue;
    std::vector<std::string> far;
    for (std::size_t i = 0; i < placement.cores.size(); ++i) {
      const Cpu* cpu = find(request.cpus, placement.cores[i]);
      if (cpu != nullptr && cpu->node >= 0 && cpu->node != port.node)
        far.push_back(fmt::format("worker {} on CPU {} of node {}", i, cpu->id, cpu->node));
    }
    if (far.empty()) continue;
    std::vector<std::uint16_t> near;
    for (const Cpu& cpu : request.cpus)
      if (cpu.node == port.node) near.push_back(cpu.id);
    sentences.push_back(fmt::format(
        "{} ({}) is on NUMA node {}, but {}: each packet crosses between the nodes, which costs a "
        "third of the rate or more; {}",
        port.label, port.device, port.node, fmt::join(far, ", "),
        near.empty() ? fmt::format("this process may use no CPU of node {}: give it some "
                                   "(CPUAffinity= of its unit, taskset)",
                                   port.node)
                     : fmt::format("CPUs of node {} are {}: name {} of them in [workers] cores",
                                   port.node, to_cpu_list(near), placement.cores.size())));
  }
  return sentences;
}

}  // namespace edgesentry::machine
