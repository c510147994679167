#include "ward.h"

namespace edgesentry::doctor {
namespace {

constexpr const char* kNic = "/sys/bus/pci/devices/0000:03:00.0";

struct PciWard : Ward {
  PciWard() {
    config.placement = config::Placement::tap;
    config.segments = {{"lan", "03:00.0,some=argument", ""}};
  }
};

Finding device_of(const Ward& ward, std::string_view check) {
  for (const Finding& finding : ward.examine())
    if (finding.area == "device" && finding.check == check) return finding;
  return {.area = "", .check = "none", .found = "no such check"};
}

TEST(PciDevice, that_is_not_there_fails) {
  const PciWard ward;
  EXPECT_EQ(device_of(ward, "lan").status, Status::fail);
  EXPECT_TRUE(has(device_of(ward, "lan").found, "no PCI device 0000:03:00.0"));
}

TEST(PciDevice, behind_vfio_and_an_iommu_is_as_it_should_be) {
  PciWard ward;
  ward.folder.link(std::string(kNic) + "/driver", "../../drivers/vfio-pci");
  ward.folder.put(std::string(kNic) + "/iommu_group/type", "DMA\n");
  EXPECT_EQ(device_of(ward, "lan").status, Status::ok);
}

TEST(PciDevice, without_an_iommu_is_told_of_a_softer_start) {
  PciWard ward;
  ward.folder.link(std::string(kNic) + "/driver", "../../drivers/vfio-pci");
  EXPECT_EQ(device_of(ward, "lan").status, Status::fail);
  EXPECT_TRUE(has(device_of(ward, "lan").why, "net_af_packet"));
  ward.folder.put("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
  EXPECT_EQ(device_of(ward, "lan").status, Status::warn);
}

TEST(PciDevice, of_the_kernel_fails_with_the_command_that_binds_it) {
  PciWard ward;
  ward.folder.link(std::string(kNic) + "/driver", "../../drivers/ice");
  ward.folder.put(std::string(kNic) + "/net/ens1f0/mtu", "1500\n");
  ward.folder.put(std::string(kNic) + "/iommu_group/type", "DMA\n");
  const Finding finding = device_of(ward, "lan");
  EXPECT_EQ(finding.status, Status::fail);
  EXPECT_TRUE(has(finding.found, "ice as interface ens1f0"));
  EXPECT_EQ(finding.fix, "modprobe vfio-pci; driverctl set-override 0000:03:00.0 vfio-pci");
}

TEST(PciDevice, that_dpdk_shares_with_the_kernel_stays_where_it_is) {
  PciWard ward;
  ward.folder.link(std::string(kNic) + "/driver", "../../drivers/mlx5_core");
  EXPECT_EQ(device_of(ward, "lan").status, Status::ok);
}

TEST(PciDevice, in_a_slot_that_is_too_narrow_is_slower) {
  PciWard ward;
  const std::string nic = kNic;
  ward.folder.put(nic + "/current_link_width", "4\n").put(nic + "/max_link_width", "16\n");
  ward.folder.put(nic + "/current_link_speed", "8.0 GT/s PCIe\n");
  ward.folder.put(nic + "/max_link_speed", "8.0 GT/s PCIe\n");
  EXPECT_EQ(device_of(ward, "lan PCIe").status, Status::warn);
}

struct InterfaceWard : Ward {
  InterfaceWard() {
    config.segments = {{"lan", "eth1", "net_null0"}};
    folder.put("/sys/class/net/eth1/flags", "0x1003\n");
    folder.put("/sys/class/net/eth1/mtu", "1500\n");
    folder.put("/sys/class/net/eth1/carrier", "1\n");
    folder.put("/sys/class/net/eth1/queues/rx-0/x", "")
        .put("/sys/class/net/eth1/queues/rx-1/x", "");
    folder.link("/sys/class/net/eth1/device/driver", "../../bus/pci/drivers/virtio_net");
  }
};

TEST(Interface, is_described) {
  const InterfaceWard ward;
  const Finding finding = device_of(ward, "lan outside");
  EXPECT_EQ(finding.status, Status::ok) << finding.found;
  EXPECT_EQ(finding.found, "eth1: driver virtio_net, 2 receive queues, MTU 1500");
}

TEST(Interface, that_is_missing_down_or_unplugged_is_told) {
  InterfaceWard ward;
  ward.folder.put("/sys/class/net/eth1/carrier", "0\n");
  EXPECT_TRUE(has(device_of(ward, "lan outside").found, "no carrier"));
  ward.folder.put("/sys/class/net/eth1/flags", "0x1002\n");
  EXPECT_EQ(device_of(ward, "lan outside").fix, "ip link set eth1 up");
  ward.config.segments[0].outside = "net_af_packet0,iface=eth9";
  EXPECT_EQ(device_of(ward, "lan outside").status, Status::fail);
  EXPECT_TRUE(has(device_of(ward, "lan outside").found, "there are: eth1"));
}

TEST(Interface, of_a_bridge_or_of_the_default_route_is_no_place_for_a_wire) {
  InterfaceWard ward;
  ward.folder.link("/sys/class/net/eth1/master", "../br0");
  EXPECT_EQ(device_of(ward, "lan outside other users").status, Status::warn);
  EXPECT_EQ(device_of(ward, "lan outside route").status, Status::ok);
  ward.folder.put("/proc/net/route",
                  "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
                  "eth1 00000000 0100000A 0003 0 0 0 00000000 0 0 0\n");
  EXPECT_EQ(device_of(ward, "lan outside route").status, Status::warn);
  ward.config.placement = config::Placement::tap;
  EXPECT_EQ(device_of(ward, "lan other users").status, Status::ok);
  EXPECT_EQ(device_of(ward, "lan route").status, Status::ok);
}

TEST(Interface, with_offloads_or_a_strange_xdp_program_is_told) {
  InterfaceWard ward;
  EXPECT_EQ(device_of(ward, "lan outside offloads").status, Status::unknown);
  ward.links = {{.name = "eth1", .merges = true, .has_xdp = true}};
  EXPECT_EQ(device_of(ward, "lan outside offloads").status, Status::warn);
  EXPECT_EQ(device_of(ward, "lan outside other users").status, Status::warn);
  ward.links = {{.name = "eth1", .merges = false, .has_xdp = false}};
  EXPECT_EQ(device_of(ward, "lan outside offloads").status, Status::ok);
  EXPECT_EQ(device_of(ward, "lan outside other users").status, Status::ok);
}

TEST(Segments, that_are_missing_fail_unless_there_is_no_configuration) {
  Ward ward;
  ward.config.segments.clear();
  EXPECT_EQ(ward.of("segments").status, Status::fail);
  ward.config.path.clear();
  EXPECT_EQ(ward.of("segments").status, Status::unknown);
}

}  // namespace
}  // namespace edgesentry::doctor
