#include "machine/topology.h"

#include <gtest/gtest.h>

#include "support/folder.h"

namespace edgesentry::machine {
namespace {

using Ids = std::vector<std::uint16_t>;

TEST(CpuList, is_read_and_written_as_the_kernel_does) {
  EXPECT_EQ(parse_cpu_list("0-3,8,10-11\n"), (Ids{0, 1, 2, 3, 8, 10, 11}));
  EXPECT_EQ(parse_cpu_list("\n"), Ids{});
  EXPECT_EQ(parse_cpu_list("3,1,1-2"), (Ids{1, 2, 3}));
  EXPECT_EQ(to_cpu_list({0, 1, 2, 3, 8, 10, 11}), "0-3,8,10-11");
  EXPECT_EQ(to_cpu_list({}), "none");
}

TEST(CpuList, refuses_garbage_and_stays_bounded) {
  for (const char* text : {"a", "1-", "-1", "3-1", "1,,2", "1-2-3", "0x3"})
    EXPECT_FALSE(parse_cpu_list(text).has_value()) << text;
  EXPECT_EQ(parse_cpu_list("0-9223372036854775807")->size(), kCpusMax);
}

TEST(Topology, knows_nodes_siblings_and_isolated_cpus) {
  Folder folder;
  folder.put("/sys/devices/system/cpu/online", "0-3\n");
  folder.put("/sys/devices/system/cpu/isolated", "3\n");
  folder.put("/sys/devices/system/cpu/nohz_full", "3\n");
  for (const char* id : {"0", "2"})
    folder.put(std::string("/sys/devices/system/cpu/cpu") + id + "/topology/thread_siblings_list",
               "0,2\n");
  folder.put("/sys/devices/system/cpu/cpu1/topology/thread_siblings_list", "garbage");
  folder.put("/sys/devices/system/node/node0/cpulist", "0,2\n");
  folder.put("/sys/devices/system/node/node1/cpulist", "1,9\n");
  folder.put("/sys/devices/system/node/nodeX/cpulist", "3\n");
  const Topology topology = read_topology(Tree(folder.root()));
  ASSERT_EQ(topology.cpus.size(), 4u);
  EXPECT_EQ(topology.find(2)->core, 0);
  EXPECT_EQ(topology.find(1)->core, 1);
  EXPECT_EQ(topology.find(1)->node, 1);
  EXPECT_EQ(topology.find(3)->node, -1);
  EXPECT_TRUE(topology.find(3)->is_isolated);
  EXPECT_EQ(topology.find(9), nullptr);
  EXPECT_EQ(topology.nodes, (std::vector<int>{0, 1}));
  EXPECT_EQ(topology.tickless, Ids{3});
}

TEST(Topology, is_empty_where_the_kernel_shows_nothing) {
  const Folder folder;
  const Topology topology = read_topology(Tree(folder.root()));
  EXPECT_TRUE(topology.cpus.empty());
  EXPECT_TRUE(topology.nodes.empty());
}

TEST(UsableCpus, take_isolated_ones_in_unless_the_affinity_was_chosen) {
  Topology topology;
  for (std::uint16_t id = 0; id < 4; ++id)
    topology.cpus.push_back({.id = id, .core = id, .is_isolated = id >= 2});
  const auto allows_two = [](std::uint16_t cpu) { return cpu == 2; };
  EXPECT_EQ(usable_cpus(topology, {{0, 1}, allows_two}), (Ids{0, 1, 2}));
  EXPECT_EQ(usable_cpus(topology, {{1}, allows_two}), Ids{1});
  EXPECT_EQ(usable_cpus(topology, {{2, 3}, allows_two}), (Ids{2, 3}));
  EXPECT_EQ(usable_cpus({}, {{0, 1}, allows_two}), (Ids{0, 1}));
}

TEST(Affinity, is_as_before_after_a_cpu_was_tried) {
  const Affinity before = read_affinity();
  ASSERT_FALSE(before.now.empty());
  EXPECT_TRUE(before.may_run_on(before.now.back()));
  EXPECT_FALSE(before.may_run_on(kCpusMax - 1));
  EXPECT_EQ(read_affinity().now, before.now);
}

}  // namespace
}  // namespace edgesentry::machine
