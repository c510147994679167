#include "nic/eal_plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "nic/packet_pool.h"

namespace edgesentry::nic {
namespace {

constexpr std::uint64_t kGiB = 1u << 30;

HostFacts host() {
  return {.interfaces = {{"eth0", 1500, true}, {"wan0", 1500, true}, {"lan0", 9000, true}},
          .default_route_interface = "eth0",
          .cpus = {0, 1, 2, 3},
          .hugepage_bytes_free = 0,
          .has_net_raw = true,
          .has_net_admin = true};
}

config::Config config_of(std::string outside, std::string inside) {
  config::Config config;
  config.segments = {{"lan", std::move(outside), std::move(inside)}};
  return config;
}

bool has(const EalPlan& plan, std::string_view argument) {
  return std::ranges::find(plan.arguments, argument) != plan.arguments.end();
}
bool has_part(const EalPlan& plan, std::string_view part) {
  return std::ranges::any_of(plan.arguments,
                             [&](const std::string& a) { return a.find(part) != a.npos; });
}

TEST(EalPlan, refuses_more_queues_than_a_port_can_have) {
  const HostFacts facts = host();
  for (const auto& [count, is_right] : {std::pair("1", true),
                                        {"1024", true},
                                        {"1025", false},
                                        {"99999", false},
                                        {"0", false},
                                        {"-1", false},
                                        {"2x", false},
                                        {"99999999999", false}}) {
    const auto config =
        config_of("net_af_packet0,iface=wan0,qpairs=" + std::string(count), "net_null1");
    const auto plan = plan_eal({.config = config, .host = facts});
    ASSERT_EQ(plan.ok(), is_right) << count;
    if (is_right) continue;
    EXPECT_TRUE(plan.error().text.starts_with("segment lan outside: qpairs=" + std::string(count)))
        << plan.error().text;
  }
}

TEST(EalPlan, tells_devices_apart) {
  EXPECT_EQ(kind_of("net_null0,copy=1"), DeviceKind::vdev);
  EXPECT_EQ(kind_of("0000:03:00.1"), DeviceKind::pci);
  EXPECT_EQ(kind_of("af:00.0"), DeviceKind::pci);
  EXPECT_EQ(kind_of("af:00.0,dv_flow_en=1"), DeviceKind::pci);
  EXPECT_EQ(kind_of("eth0"), DeviceKind::interface);
  EXPECT_EQ(kind_of("enp3s0f0"), DeviceKind::interface);
  EXPECT_EQ(kind_of("0000:03:00.x"), DeviceKind::interface);
  EXPECT_EQ(kind_of(""), DeviceKind::interface);
}

TEST(EalPlan, opens_a_kernel_interface_with_one_queue_pair_per_worker) {
  config::Config config = config_of("wan0", "eth0");
  config.workers.count = 2;
  const HostFacts facts = host();
  const auto plan = plan_eal({config, facts});
  ASSERT_TRUE(plan.ok()) << plan.error().text;
  EXPECT_TRUE(has_part(plan.value(), "--vdev=net_af_packet_wan0,iface=wan0,qpairs=2,"));
  EXPECT_EQ(plan.value().ports,
            (std::vector<std::string>{"net_af_packet_wan0", "net_af_packet_eth0"}));
  EXPECT_TRUE(has(plan.value(), "--no-pci"));
  EXPECT_TRUE(has(plan.value(), "--lcores=0@(2,3),1@0,2@1"));
}

TEST(EalPlan, makes_room_for_jumbo_frames_where_the_interface_has_them) {
  const config::Config config = config_of("wan0", "lan0");
  const HostFacts facts = host();
  const auto plan = plan_eal({config, facts});
  ASSERT_TRUE(plan.ok()) << plan.error().text;
  EXPECT_TRUE(has_part(plan.value(), "iface=wan0,qpairs=1,blocksz=4096,framesz=2048"));
  EXPECT_TRUE(has_part(plan.value(), "iface=lan0,qpairs=1,blocksz=16384,framesz=16384"));
  EXPECT_EQ(plan.value().data_room, 16384 + kHeadroom);
}

TEST(EalPlan, warns_about_the_interface_that_holds_the_default_route) {
  const config::Config config = config_of("eth0", "wan0");
  const HostFacts facts = host();
  const auto plan = plan_eal({config, facts});
  ASSERT_TRUE(plan.ok());
  EXPECT_TRUE(std::ranges::any_of(plan.value().notes, [](const std::string& note) {
    return note.find("default route") != note.npos;
  }));
}

TEST(EalPlan, lists_the_interfaces_when_one_is_missing) {
  const config::Config config = config_of("wan9", "lan0");
  const HostFacts facts = host();
  const auto plan = plan_eal({config, facts});
  ASSERT_FALSE(plan.ok());
  EXPECT_NE(plan.error().text.find("segment lan outside"), std::string::npos);
  EXPECT_NE(plan.error().text.find("\"wan9\""), std::string::npos);
  EXPECT_NE(plan.error().text.find("eth0, wan0, lan0"), std::string::npos);
}

TEST(EalPlan, looks_for_the_interface_of_a_virtual_device_too) {
  const HostFacts facts = host();
  const config::Config wrong = config_of("net_af_packet0,iface=wan9,qpairs=2", "net_null0");
  const auto refused = plan_eal({wrong, facts});
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().text.find("\"wan9\""), std::string::npos);

  const config::Config right = config_of("net_af_packet0,qpairs=2,iface=wan0", "net_null0");
  const auto plan = plan_eal({right, facts});
  ASSERT_TRUE(plan.ok()) << plan.error().text;
  EXPECT_TRUE(has(plan.value(), "--vdev=net_af_packet0,qpairs=2,iface=wan0"));
}

TEST(EalPlan, names_the_capabilities_that_an_interface_needs) {
  const config::Config config = config_of("wan0", "lan0");
  HostFacts facts = host();
  facts.has_net_raw = false;
  const auto plan = plan_eal({config, facts});
  ASSERT_FALSE(plan.ok());
  EXPECT_NE(plan.error().text.find("CAP_NET_RAW"), std::string::npos);
}

TEST(EalPlan, needs_no_privileges_for_virtual_devices) {
  const config::Config config = config_of("net_null0", "net_null1");
  HostFacts facts = host();
  facts.has_net_raw = facts.has_net_admin = false;
  EXPECT_TRUE(plan_eal({config, facts}).ok());
}

TEST(EalPlan, refuses_a_device_that_is_named_twice) {
  const config::Config config = config_of("net_null0,copy=1", "net_null0");
  const HostFacts facts = host();
  const auto plan = plan_eal({config, facts});
  ASSERT_FALSE(plan.ok());
  EXPECT_NE(plan.error().text.find("twice"), std::string::npos);
}

TEST(EalPlan, allows_only_the_pci_devices_that_are_named) {
  const config::Config config = config_of("03:00.0", "0000:03:00.1,arg=1");
  const HostFacts facts = host();
  const auto plan = plan_eal({config, facts});
  ASSERT_TRUE(plan.ok());
  EXPECT_FALSE(has(plan.value(), "--no-pci"));
  EXPECT_TRUE(has(plan.value(), "0000:03:00.1,arg=1"));
  EXPECT_EQ(plan.value().ports, (std::vector<std::string>{"0000:03:00.0", "0000:03:00.1"}));
}

TEST(EalPlan, opens_no_inside_device_for_a_tap) {
  config::Config config = config_of("net_null0", "");
  config.placement = config::Placement::tap;
  const HostFacts facts = host();
  const auto plan = plan_eal({config, facts});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan.value().ports.size(), 1u);
}

TEST(EalPlan, takes_hugepages_only_when_enough_are_free) {
  const config::Config config = config_of("net_null0", "net_null1");
  HostFacts facts = host();
  facts.hugepage_bytes_free = 2 * kGiB;
  const auto rich = plan_eal({config, facts});
  ASSERT_TRUE(rich.ok());
  EXPECT_TRUE(rich.value().has_hugepages);
  EXPECT_TRUE(has(rich.value(), "--in-memory"));
  EXPECT_FALSE(has(rich.value(), "--no-huge"));

  facts.hugepage_bytes_free = config.dpdk.memory_mb * (kGiB / 1024) - 1;
  const auto poor = plan_eal({config, facts});
  ASSERT_TRUE(poor.ok());
  EXPECT_FALSE(poor.value().has_hugepages);
  EXPECT_TRUE(has(poor.value(), "--no-huge"));
  EXPECT_FALSE(has(poor.value(), "--in-memory"));
}

TEST(EalPlan, asks_hugepages_for_the_tables_too) {
  const config::Config config = config_of("net_null0", "net_null1");
  HostFacts facts = host();
  facts.hugepage_bytes_free = 2 * kGiB;
  const auto plan = plan_eal({config, facts, 3 * kGiB});
  ASSERT_TRUE(plan.ok());
  EXPECT_FALSE(plan.value().has_hugepages);
}

TEST(EalPlan, gives_the_command_when_required_hugepages_are_missing) {
  config::Config config = config_of("net_null0", "net_null1");
  config.dpdk.hugepages = config::Hugepages::required;
  const HostFacts facts = host();
  const auto plan = plan_eal({config, facts});
  ASSERT_FALSE(plan.ok());
  EXPECT_NE(plan.error().text.find("sysctl -w vm.nr_hugepages=256"), std::string::npos)
      << plan.error().text;
}

TEST(EalPlan, refuses_what_this_machine_has_no_memory_for) {
  config::Config config = config_of("net_null0", "net_null1");
  HostFacts facts = host();
  facts.memory_bytes = 8 * kGiB;
  facts.memory_bytes_available = 6 * kGiB;
  const auto refusal = [&](std::uint64_t tables) {
    const auto plan = plan_eal({config, facts, tables});
    return plan ? std::string() : plan.error().text;
  };
  EXPECT_EQ(refusal(5 * kGiB), "");
  EXPECT_NE(refusal(6 * kGiB).find("the tables of [table] 6144 MiB"), std::string::npos);

  config.dpdk.memory_mb = 8 * 1024;
  EXPECT_EQ(refusal(0), "");
  config.dpdk.memory_mb = 8 * 1024 + 1;
  EXPECT_NE(refusal(0).find("memory_mb = 8193: this machine has 8192 MiB"), std::string::npos)
      << refusal(0);
  config.dpdk.memory_mb = 1'048'576;
  EXPECT_NE(refusal(0).find("write memory_mb = "), std::string::npos) << refusal(0);

  config.workers.mbufs = 16'777'216;
  EXPECT_NE(refusal(0).find("mbufs = 16777216 needs 3"), std::string::npos) << refusal(0);
  facts.memory_bytes = facts.memory_bytes_available = 0;  // not known
  EXPECT_EQ(refusal(0), "");
}

TEST(EalPlan, takes_hugepages_whatever_ordinary_memory_there_is) {
  const config::Config config = config_of("net_null0", "net_null1");
  HostFacts facts = host();
  facts.memory_bytes = facts.memory_bytes_available = kGiB / 4;
  facts.hugepage_bytes_free = 2 * kGiB;
  EXPECT_TRUE(plan_eal({config, facts, kGiB}).ok());
  facts.hugepage_bytes_free = 0;
  EXPECT_FALSE(plan_eal({config, facts, kGiB}).ok());
}

TEST(EalPlan, leaves_cores_and_memory_to_the_operators_own_arguments) {
  config::Config config = config_of("net_null0", "net_null1");
  config.dpdk.eal_args = {"-m", "300"};
  const HostFacts facts = host();
  const auto plan = plan_eal({config, facts, 0, {"--lcores=0-1", "--file-prefix=mine"}});
  ASSERT_TRUE(plan.ok());
  EXPECT_FALSE(has_part(plan.value(), "--main-lcore"));
  EXPECT_FALSE(has(plan.value(), "--no-huge"));
  EXPECT_FALSE(has(plan.value(), "--file-prefix=edgesentry"));
  EXPECT_TRUE(has(plan.value(), "--lcores=0-1"));
}

TEST(EalPlan, refuses_more_workers_than_cpus_unless_the_cores_are_named) {
  config::Config config = config_of("net_null0", "net_null1");
  config.workers.count = 5;
  const HostFacts facts = host();
  const auto refused = plan_eal({config, facts});
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().text.find("4 CPUs"), std::string::npos);

  config.workers.cores = {0, 0, 1, 1, 2};
  const auto shared = plan_eal({config, facts});
  ASSERT_TRUE(shared.ok()) << shared.error().text;
  EXPECT_TRUE(has(shared.value(), "--lcores=0@(3),1@0,2@0,3@1,4@1,5@2"));

  config.workers.cores = {0, 1, 2, 3, 4};
  EXPECT_FALSE(plan_eal({config, facts}).ok());
  config.workers.cores = {0, 1};
  EXPECT_FALSE(plan_eal({config, facts}).ok());
}

TEST(EalPlan, enlarges_a_packet_pool_that_the_queues_would_empty) {
  config::Config config = config_of("net_null0", "net_null1");
  config.workers.count = 4;
  config.workers.mbufs = 1024;
  const HostFacts facts = host();
  const auto plan = plan_eal({config, facts});
  ASSERT_TRUE(plan.ok());
  EXPECT_GE(plan.value().packets, 2 * 4 * 2 * 1024u);
  EXPECT_TRUE(std::ranges::any_of(
      plan.value().notes, [](const std::string& note) { return note.find("mbufs") != note.npos; }));
}

// Two nodes of four CPUs, with a NIC on the second.
HostFacts two_nodes() {
  HostFacts facts = host();
  facts.cpus.clear();
  for (std::uint16_t id = 0; id < 8; ++id) {
    facts.cpus.push_back(id);
    facts.topology.cpus.push_back({.id = id, .node = id / 4, .core = id});
  }
  facts.topology.nodes = {0, 1};
  facts.device_nodes = {{"wan0", 1}, {"lan0", 1}};
  facts.hugepage_bytes_free = 4 * kGiB;
  facts.hugepage_nodes = {{0, kGiB}, {1, 3 * kGiB}};
  return facts;
}

TEST(EalPlan, puts_workers_tables_and_packets_on_the_node_of_the_ports) {
  config::Config config = config_of("wan0", "lan0");
  config.workers.count = 2;
  const HostFacts facts = two_nodes();
  const auto plan = plan_eal({config, facts, 2 * kGiB});
  ASSERT_TRUE(plan.ok()) << plan.error().text;
  EXPECT_TRUE(has(plan.value(), "--lcores=0@(0,1,2,3,6,7),1@4,2@5"));
  EXPECT_TRUE(has_part(plan.value(), "--socket-mem=0,2"));
  EXPECT_EQ(plan.value().packet_node, 1);
  EXPECT_TRUE(std::ranges::none_of(
      plan.value().notes, [](const std::string& note) { return note.find("NUMA") != note.npos; }));
}

TEST(EalPlan, counts_free_hugepages_by_node) {
  config::Config config = config_of("wan0", "lan0");
  HostFacts facts = two_nodes();
  facts.hugepage_nodes = {{0, 4 * kGiB}, {1, 0}};
  const auto without = plan_eal({config, facts, kGiB});
  ASSERT_TRUE(without.ok());
  EXPECT_FALSE(without.value().has_hugepages);
  config.dpdk.hugepages = config::Hugepages::required;
  const auto refused = plan_eal({config, facts, kGiB});
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().text.find("on NUMA node 1"), std::string::npos);
}

TEST(EalPlan, warns_of_named_cores_on_another_node_than_the_ports) {
  config::Config config = config_of("wan0", "lan0");
  config.workers.cores = {3};
  const HostFacts facts = two_nodes();
  const auto plan = plan_eal({config, facts});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(std::ranges::count_if(plan.value().notes,
                                  [](const std::string& note) {
                                    return note.find("worker 0 on CPU 3 of node 0") != note.npos;
                                  }),
            2);
}

TEST(HostFacts, sees_this_machine) {
  const HostFacts facts = read_host();
  EXPECT_FALSE(facts.cpus.empty());
  EXPECT_GT(facts.hugepage_size, 0u);
  EXPECT_GT(facts.memory_bytes_available, 0u);
  EXPECT_LE(facts.memory_bytes_available, facts.memory_bytes);
  EXPECT_EQ(facts.find_interface("no such interface"), nullptr);
}

}  // namespace
}  // namespace edgesentry::nic
