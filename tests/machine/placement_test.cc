// Topologies of machines that are not this one.
#include "machine/placement.h"

#include <gtest/gtest.h>

namespace edgesentry::machine {
namespace {

using Ids = std::vector<std::uint16_t>;

// Of each node `cores` cores; with SMT the second half of the ids are the siblings of the first.
std::vector<Cpu> machine_of(int nodes, int cores, bool has_smt) {
  std::vector<Cpu> cpus;
  const int all = nodes * cores;
  for (int id = 0; id < all * (has_smt ? 2 : 1); ++id)
    cpus.push_back({.id = static_cast<std::uint16_t>(id),
                    .node = id % all / cores,
                    .core = static_cast<std::uint16_t>(id % all)});
  return cpus;
}

Placement placed(const PlacementRequest& request) {
  auto result = place(request);
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().text);
  return result.ok() ? std::move(result).value() : Placement{};
}

TEST(Placement, of_one_worker_on_two_cores_leaves_the_other_for_main) {
  const auto cpus = machine_of(1, 2, false);
  const Placement one = placed({.cpus = cpus, .workers = 1, .wanted = {}, .ports = {}});
  EXPECT_EQ(one.cores, Ids{0});
  EXPECT_EQ(one.others, Ids{1});
  EXPECT_FALSE(one.are_shared);
  const Placement two = placed({.cpus = cpus, .workers = 2, .wanted = {}, .ports = {}});
  EXPECT_EQ(two.cores, (Ids{0, 1}));
  EXPECT_EQ(two.others, (Ids{0, 1}));
  EXPECT_TRUE(two.are_shared);
}

TEST(Placement, takes_the_cores_of_the_ports_node_and_a_whole_core_for_each_worker) {
  const auto cpus = machine_of(2, 8, true);
  const std::vector<PortPlace> ports = {{"lan outside", "0000:af:00.0", 1}};
  const Placement four = placed({.cpus = cpus, .workers = 4, .wanted = {}, .ports = ports});
  EXPECT_EQ(four.cores, (Ids{8, 9, 10, 11}));
  // Neither the workers' siblings 24 to 27 nor anything that is theirs.
  EXPECT_EQ(four.others, (Ids{0,  1,  2,  3,  4,  5,  6,  7,  12, 13, 14, 15,
                              16, 17, 18, 19, 20, 21, 22, 23, 28, 29, 30, 31}));
}

TEST(Placement, prefers_a_far_core_to_half_of_a_near_one_and_halves_when_none_is_left) {
  const auto cpus = machine_of(2, 8, true);
  const std::vector<PortPlace> ports = {{"lan outside", "eth1", 0}};
  const Placement nine = placed({.cpus = cpus, .workers = 9, .wanted = {}, .ports = ports});
  EXPECT_EQ(nine.cores, (Ids{0, 1, 2, 3, 4, 5, 6, 7, 8}));
  const Placement many = placed({.cpus = cpus, .workers = 17, .wanted = {}, .ports = ports});
  EXPECT_EQ(many.cores.back(), 16) << "the first sibling on the ports' node";
}

TEST(Placement, tells_siblings_of_neighbouring_numbers_apart) {
  std::vector<Cpu> cpus;  // as clouds number them: 0 and 1 are one core
  for (std::uint16_t id = 0; id < 8; ++id)
    cpus.push_back({.id = id, .node = 0, .core = static_cast<std::uint16_t>(id / 2 * 2)});
  const Placement two = placed({.cpus = cpus, .workers = 2, .wanted = {}, .ports = {}});
  EXPECT_EQ(two.cores, (Ids{0, 2}));
  EXPECT_EQ(two.others, (Ids{4, 5, 6, 7}));
}

TEST(Placement, takes_isolated_cores_first_and_keeps_everything_else_off_them) {
  auto cpus = machine_of(1, 8, false);
  for (const std::size_t id : {4, 5, 6}) cpus[id].is_isolated = true;
  const Placement two = placed({.cpus = cpus, .workers = 2, .wanted = {}, .ports = {}});
  EXPECT_EQ(two.cores, (Ids{4, 5}));
  EXPECT_EQ(two.others, (Ids{0, 1, 2, 3, 7}));
  const Placement four = placed({.cpus = cpus, .workers = 4, .wanted = {}, .ports = {}});
  EXPECT_EQ(four.cores, (Ids{4, 5, 6, 0}));
}

TEST(Placement, uses_isolated_cores_for_the_rest_only_when_nothing_else_is_left) {
  auto cpus = machine_of(1, 3, false);
  for (Cpu& cpu : cpus) cpu.is_isolated = true;
  EXPECT_EQ(placed({.cpus = cpus, .workers = 2, .wanted = {}, .ports = {}}).others, Ids{2});
}

TEST(Placement, keeps_named_cores_exactly_as_they_stand) {
  const auto cpus = machine_of(2, 2, false);
  const std::vector<PortPlace> ports = {{"lan outside", "eth1", 0}};
  const Placement named = placed({.cpus = cpus, .workers = 2, .wanted = {3, 1}, .ports = ports});
  EXPECT_EQ(named.cores, (Ids{3, 1}));
  EXPECT_EQ(named.others, (Ids{0, 2}));
  EXPECT_FALSE(named.is_chosen);
}

TEST(Placement, refuses_more_workers_than_cpus_and_cores_that_are_not_there) {
  const auto cpus = machine_of(1, 2, false);
  EXPECT_FALSE(place({.cpus = cpus, .workers = 3, .wanted = {}, .ports = {}}).ok());
  EXPECT_FALSE(place({.cpus = cpus, .workers = 1, .wanted = {2}, .ports = {}}).ok());
  EXPECT_FALSE(place({.cpus = cpus, .workers = 2, .wanted = {1}, .ports = {}}).ok());
  EXPECT_FALSE(place({.cpus = {}, .workers = 1, .wanted = {}, .ports = {}}).ok());
}

TEST(Placement, takes_unknown_nodes_for_near) {
  auto cpus = machine_of(2, 2, false);
  for (Cpu& cpu : cpus) cpu.node = -1;
  const std::vector<PortPlace> known = {{"lan outside", "eth1", 1}};
  const PlacementRequest one{.cpus = cpus, .workers = 2, .wanted = {}, .ports = known};
  EXPECT_EQ(placed(one).cores, (Ids{0, 1}));
  EXPECT_TRUE(far_workers(placed(one), one).empty());

  const auto nodes = machine_of(2, 2, false);
  const std::vector<PortPlace> unknown = {{"lan outside", "net_null0", -1}};
  const PlacementRequest other{.cpus = nodes, .workers = 4, .wanted = {}, .ports = unknown};
  EXPECT_EQ(placed(other).cores, (Ids{0, 1, 2, 3}));
  EXPECT_TRUE(far_workers(placed(other), other).empty());
}

TEST(Placement, warns_with_numbers_of_workers_on_another_node_than_a_port) {
  const auto cpus = machine_of(2, 4, false);
  const std::vector<PortPlace> ports = {{"lan outside", "0000:af:00.0", 1},
                                        {"lan inside", "0000:3b:00.0", 0}};
  const PlacementRequest request{.cpus = cpus, .workers = 2, .wanted = {4, 5}, .ports = ports};
  const auto sentences = far_workers(placed(request), request);
  ASSERT_EQ(sentences.size(), 1u);
  for (const char* part : {"lan inside (0000:3b:00.0) is on NUMA node 0", "worker 0 on CPU 4",
                           "worker 1 on CPU 5 of node 1", "CPUs of node 0 are 0-3"})
    EXPECT_NE(sentences[0].find(part), std::string::npos) << sentences[0];
}

TEST(NodeOfPorts, is_that_of_most_of_them) {
  const std::vector<PortPlace> ports = {
      {"a", "a", -1}, {"b", "b", 1}, {"c", "c", 0}, {"d", "d", 0}};
  EXPECT_EQ(node_of_ports(ports), 0);
  EXPECT_EQ(node_of_ports(std::span(ports).first(3)), 1) << "the first of equals";
  EXPECT_EQ(node_of_ports(std::span(ports).first(1)), -1);
}

}  // namespace
}  // namespace edgesentry::machine
