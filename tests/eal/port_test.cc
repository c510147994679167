// Ports over virtual devices: what is asked, what is granted, and the sentences of a refusal.
#include "nic/port.h"

#include <gtest/gtest.h>
#include <rte_dev.h>

#include "nic/eal.h"
#include "nic/packet_pool.h"

namespace edgesentry::nic {
namespace {

PacketPool make_pool() {
  auto pool = PacketPool::make(2'047, 2048 + kHeadroom);
  EDGESENTRY_CHECK(pool.ok(), "a test has memory for a small pool");
  return std::move(pool).value();
}

TEST(Port, opens_a_device_that_eal_was_given_and_closes_it) {
  const PacketPool pool = make_pool();
  {
    auto port = Port::open({.device = "net_null0", .label = "wan", .workers = 2}, pool);
    ASSERT_TRUE(port.ok()) << port.error().text;
    EXPECT_EQ(port.value().driver(), "net_null");
    EXPECT_EQ(port.value().rx_queues(), 2);
    EXPECT_EQ(port.value().tx_queues(), 2);
    EXPECT_TRUE(port.value().link_is_up());
    EXPECT_EQ(port.value().frame_room().untagged, 1514u);
    EXPECT_FALSE(port.value().frame_room().is_packet_socket);
    EXPECT_EQ(port.value().stats().rx_packets, 0u);
  }
  const auto again = Port::open({.device = "net_null0", .label = "wan"}, pool);
  EXPECT_FALSE(again.ok()) << "a closed virtual device is gone";
}

TEST(Port, needs_no_spreading_for_one_worker) {
  ASSERT_EQ(rte_eal_hotplug_add("vdev", "net_null_single", ""), 0);
  const PacketPool pool = make_pool();
  const auto port = Port::open({.device = "net_null_single", .label = "wan"}, pool);
  ASSERT_TRUE(port.ok());
  EXPECT_EQ(port.value().spread(), Spread::single);
  EXPECT_TRUE(port.value().notes().empty());
}

TEST(Port, says_that_workers_hand_over_when_the_device_cannot_spread_sources) {
  ASSERT_EQ(rte_eal_hotplug_add("vdev", "net_null_spread", ""), 0);
  const PacketPool pool = make_pool();
  const auto port = Port::open({.device = "net_null_spread", .label = "wan", .workers = 2}, pool);
  ASSERT_TRUE(port.ok());
  EXPECT_EQ(port.value().spread(), Spread::handover);
  ASSERT_FALSE(port.value().notes().empty());
  EXPECT_NE(port.value().notes().back().find("hand them over"), std::string::npos);
}

TEST(Port, says_what_to_do_about_a_device_that_is_not_there) {
  const PacketPool pool = make_pool();
  const auto port = Port::open({.device = "0000:ff:1f.7", .label = "wan"}, pool);
  ASSERT_FALSE(port.ok());
  EXPECT_NE(port.error().text.find("vfio-pci"), std::string::npos) << port.error().text;
}

TEST(Port, refuses_fewer_transmit_queues_than_workers) {
  ASSERT_EQ(rte_eal_hotplug_add("vdev", "net_null_many", ""), 0);
  const PacketPool pool = make_pool();
  const auto port = Port::open({.device = "net_null_many", .label = "wan", .workers = 2'000}, pool);
  ASSERT_FALSE(port.ok());
  EXPECT_NE(port.error().text.find("[workers] count"), std::string::npos) << port.error().text;
}

TEST(Eal, refuses_to_start_twice) {
  EalPlan plan;
  plan.arguments = {"again", "--no-huge", "--no-pci"};
  const auto again = Eal::start(plan);
  ASSERT_FALSE(again.ok());
  EXPECT_NE(again.error().text.find("DPDK did not start"), std::string::npos);
}

}  // namespace
}  // namespace edgesentry::nic
