// A machine of two nodes with four cores each, laid out in a folder, and a configuration for it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "doctor/doctor.h"
#include "support/folder.h"

namespace edgesentry::doctor {

struct Ward {
  Folder folder;
  config::Config config;
  nlohmann::json status;
  std::vector<LinkFacts> links;

  Ward() {
    config.path = "edgesentry.toml";
    config.segments = {{"lan", "net_null0", "net_null1"}};
    const std::string cpus = "/sys/devices/system/cpu", nodes = "/sys/devices/system/node";
    folder.put(cpus + "/online", "0-7\n").put(cpus + "/isolated", "\n");
    folder.put(nodes + "/node0/cpulist", "0-3\n").put(nodes + "/node1/cpulist", "4-7\n");
    folder.put("/proc/cpuinfo",
               "processor\t: 0\nflags\t\t: constant_tsc nonstop_tsc avx avx2 bmi1 bmi2 f16c fma "
               "movbe abm\n");
    folder.put("/proc/meminfo", "MemTotal: 9000000 kB\nMemAvailable:    8388608 kB\n");
    pages("/sys/kernel/mm/hugepages", 2048, 2048, 2048);
    pages(nodes + "/node0/hugepages", 2048, 1024, 1024);
    pages(nodes + "/node1/hugepages", 2048, 1024, 1024);
  }

  void pages(const std::string& where, int kib, int total, int free) {
    const std::string each = where + "/hugepages-" + std::to_string(kib) + "kB";
    folder.put(each + "/nr_hugepages", std::to_string(total) + "\n");
    folder.put(each + "/free_hugepages", std::to_string(free) + "\n");
  }

  [[nodiscard]] Findings examine() const {
    Patient patient;
    patient.tree = machine::Tree(folder.root());
    patient.config = config;
    patient.affinity.now = {0, 1, 2, 3, 4, 5, 6, 7};
    patient.links = links;
    patient.status = status;
    patient.look();
    return doctor::examine(patient);
  }
  // Of one check; a finding that says so when there is none.
  [[nodiscard]] Finding of(std::string_view check) const {
    const Findings all = examine();
    const auto found = std::ranges::find(all, check, &Finding::check);
    return found == all.end() ? Finding{.area = "", .check = "none", .found = "no such check"}
                              : *found;
  }
};

inline bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace edgesentry::doctor
