#include "machine/device_node.h"

#include <gtest/gtest.h>

#include "support/folder.h"

namespace edgesentry::machine {
namespace {

TEST(DeviceNode, is_found_for_every_spelling_of_a_device) {
  Folder folder;
  folder.put("/sys/bus/pci/devices/0000:af:00.1/numa_node", "1\n");
  folder.put("/sys/class/net/eth1/device/numa_node", "0\n");
  folder.put("/sys/class/net/eth2/device/numa_node", "-1\n");
  folder.put("/sys/class/net/eth3/device/numa_node", "a lot");
  const Tree tree(folder.root());
  EXPECT_EQ(node_of_device(tree, "0000:af:00.1"), 1);
  EXPECT_EQ(node_of_device(tree, "AF:00.1,dv_flow_en=1"), 1);
  EXPECT_EQ(node_of_device(tree, "eth1"), 0);
  EXPECT_EQ(node_of_device(tree, "net_af_packet0,iface=eth1,qpairs=2"), 0);
  EXPECT_EQ(node_of_device(tree, "eth2"), kUnknownNode);
  EXPECT_EQ(node_of_device(tree, "eth3"), kUnknownNode);
  EXPECT_EQ(node_of_device(tree, "net_null0"), kUnknownNode);
  EXPECT_EQ(node_of_device(tree, ""), kUnknownNode);
}

TEST(DeviceNode, never_leaves_its_folder) {
  EXPECT_EQ(device_folder("net_af_packet0,iface=../../etc"), "");
  EXPECT_EQ(device_folder(".."), "");
}

}  // namespace
}  // namespace edgesentry::machine
