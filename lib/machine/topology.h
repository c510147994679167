// CPUs and NUMA nodes of this machine, as the kernel shows them.
//
// Any thread; reads a few small files. Sources: /sys/devices/system/cpu (online, isolated,
// nohz_full, cpuN/topology/thread_siblings_list), /sys/devices/system/node (nodeN/cpulist), all
// described in the kernel's Documentation/ABI/stable/sysfs-devices-system-cpu and -node.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "machine/tree.h"

namespace edgesentry::machine {

inline constexpr std::uint16_t kCpusMax = 4096;

struct Cpu {
  std::uint16_t id = 0;
  int node = -1;           // NUMA node; -1: unknown
  std::uint16_t core = 0;  // the lowest CPU of the same physical core: equal for SMT siblings
  bool is_isolated = false;
};

struct Topology {
  std::vector<Cpu> cpus;                // online, by id
  std::vector<int> nodes;               // that have memory or CPUs, sorted; empty: unknown
  std::vector<std::uint16_t> tickless;  // nohz_full

  [[nodiscard]] const Cpu* find(std::uint16_t id) const noexcept;
};

// "0-3,8,10-11"; sorted, each once; what is no such list is absent, ids past kCpusMax are left out.
[[nodiscard]] std::optional<std::vector<std::uint16_t>> parse_cpu_list(std::string_view text);
// The other way round.
[[nodiscard]] std::string to_cpu_list(const std::vector<std::uint16_t>& cpus);

[[nodiscard]] Topology read_topology(const Tree& tree);

// What this process may run on: its affinity, and the isolated CPUs where the affinity is the
// kernel's default, which leaves those out for whoever asks for them. `may_run_on` tries one.
struct Affinity {
  std::vector<std::uint16_t> now;
  bool (*may_run_on)(std::uint16_t cpu) = nullptr;
};
[[nodiscard]] std::vector<std::uint16_t> usable_cpus(const Topology& topology,
                                                     const Affinity& affinity);
// Of the calling thread. may_run_on() moves it to that CPU for a moment.
[[nodiscard]] Affinity read_affinity();

}  // namespace edgesentry::machine
