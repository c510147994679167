// Starts EAL as the appliance does, then runs the tests; --hugepages or --no-hugepages.
#include <gtest/gtest.h>

#include <cstdio>
#include <string_view>

#include "config/config.h"
#include "nic/eal.h"
#include "nic/eal_plan.h"

namespace {

constexpr int kSkipped = 77;  // meson shows the test as skipped

}  // namespace

int main(int argc, char** argv) {
  namespace nic = edgesentry::nic;
  namespace config = edgesentry::config;
  testing::InitGoogleTest(&argc, argv);
  const bool wants_hugepages = argc > 1 && std::string_view(argv[1]) == "--hugepages";
  const nic::HostFacts host = nic::read_host();
  config::Config settings;
  settings.segments = {{"null", "net_null0,copy=1", "net_null1,copy=1"}};
  settings.workers.count = 2;
  settings.workers.cores = {host.cpus.front(), host.cpus.back()};
  settings.workers.mbufs = 4096;
  settings.dpdk.memory_mb = 256;
  settings.dpdk.file_prefix = "edgesentry_test";
  settings.dpdk.hugepages = wants_hugepages ? config::Hugepages::required : config::Hugepages::off;
  const auto plan = nic::plan_eal({settings, host});
  if (!plan.ok()) {
    std::printf("SKIPPED: %s\n", plan.error().text.c_str());
    return kSkipped;
  }
  const auto eal = nic::Eal::start(plan.value());
  if (!eal.ok()) {
    std::printf("%s\n", eal.error().text.c_str());
    return 1;
  }
  return RUN_ALL_TESTS();
}
