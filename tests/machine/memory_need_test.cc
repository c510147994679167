#include "machine/memory_need.h"

#include <gtest/gtest.h>

namespace edgesentry::machine {
namespace {

TEST(TableBytes, grow_with_the_slow_suspects_of_each_worker_by_what_the_reference_says) {
  config::Config config;
  config.workers.count = 3;
  config.table.slow_suspects = 1u << 15;
  const std::uint64_t before = table_bytes(config);
  config.table.slow_suspects = 1u << 16;
  EXPECT_EQ(table_bytes(config) - before, 3u * (1u << 15) * 66u);
}

TEST(MemoryNeed, is_what_packets_and_tables_take_or_memory_mb_if_that_is_more) {
  config::Config config;
  config.workers.count = 4;
  config.workers.mbufs = 1024;
  const MemoryRequest request{.config = config, .ports = 2, .table_bytes = 3ull << 30};
  const MemoryNeed need = memory_need(request);
  EXPECT_GE(need.packets, 2u * 4u * 1024u * 2u);
  EXPECT_EQ(need.data_room, 2048 + kHeadroom);
  EXPECT_EQ(need.huge, need.packet_bytes + (3ull << 30));
  EXPECT_EQ(need.ordinary, 512ull << 20) << "the tables come on top of it";
  config.dpdk.memory_mb = 1u << 20;
  EXPECT_EQ(memory_need(request).huge, 1ull << 40);
}

TEST(MemoryNeed, goes_to_the_nodes_of_the_workers_and_of_the_ports) {
  Topology topology{.cpus = {{.id = 0, .node = 0, .core = 0}, {.id = 1, .node = 1, .core = 1}},
                    .nodes = {0, 1},
                    .tickless = {}};
  const MemoryNeed need{.table_bytes = 200, .huge = 500};
  const Placement placement{.cores = {0, 1}, .others = {0, 1}};
  const auto needs = need_by_node(need, topology, placement, 1);
  ASSERT_EQ(needs.size(), 2u);
  EXPECT_EQ(needs[0].bytes, 100u);
  EXPECT_EQ(needs[1].bytes, 400u);
  EXPECT_EQ(need_by_node(need, topology, placement, -1)[0].bytes, 400u);
  topology.nodes = {0};
  EXPECT_TRUE(need_by_node(need, topology, placement, 0).empty()) << "one node: nothing to split";
}

TEST(FrameBytes, hold_a_frame_of_the_mtu_with_its_tags) {
  EXPECT_EQ(frame_bytes(1500), 2048u);
  EXPECT_EQ(frame_bytes(1984), 2048u);
  EXPECT_EQ(frame_bytes(1985), 4096u);
  EXPECT_EQ(frame_bytes(9000), 16384u);
  EXPECT_EQ(frame_bytes(65536), kFrameBytesMax);
}

}  // namespace
}  // namespace edgesentry::machine
