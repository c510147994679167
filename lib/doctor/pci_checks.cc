#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "doctor/checks.h"
#include "machine/device_node.h"

namespace edgesentry::doctor {
namespace {

constexpr std::string_view kArea = "device";
constexpr std::string_view kSofter =
    ". A softer start: write the name of its kernel interface in place of the address "
    "(net_af_packet, or net_af_xdp0,iface=NAME), which is slower and needs nothing to be bound";

// Their DPDK drivers work beside the kernel's.
constexpr std::array<std::string_view, 3> kShared = {"mlx4_core", "mlx5_core", "mana"};
constexpr std::array<std::string_view, 2> kUio = {"uio_pci_generic", "igb_uio"};

bool is_one_of(std::span<const std::string_view> list, std::string_view word) {
  return std::ranges::find(list, word) != list.end();
}

bool allows_no_iommu(const machine::Tree& tree) {
  const auto mode = tree.line("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
  return mode && (*mode == "Y" || *mode == "1");
}

// vfio-pci with an IOMMU, without one, or not at all.
void judge_vfio(const machine::Tree& tree, bool has_iommu, Finding& finding) {
  if (has_iommu) {
    finding.found += ", behind an IOMMU";
    return;
  }
  if (allows_no_iommu(tree)) {
    finding.status = Status::warn;
    finding.found += ", without an IOMMU (noiommu mode)";
    finding.why = fmt::format(
        "the device may write anywhere in memory, and edgesentryd has to remain root{}", kSofter);
    finding.fix =
        "add intel_iommu=on iommu=pt (AMD: iommu=pt) to GRUB_CMDLINE_LINUX in "
        "/etc/default/grub; update-grub; reboot";
    return;
  }
  finding.status = Status::fail;
  finding.found += ", but there is no IOMMU";
  finding.why =
      fmt::format("vfio-pci opens no device without one, and clouds seldom have one{}", kSofter);
  finding.fix = "echo 1 > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode";
}

void judge_kernel_driver(const machine::Tree& tree, const std::string& folder,
                         const std::string& address, Finding& finding) {
  const auto interfaces = tree.names(folder + "/net");
  if (!interfaces.empty())
    finding.found += fmt::format(" as interface {}", fmt::join(interfaces, ","));
  finding.status = Status::fail;
  finding.why =
      "DPDK can only open a device that no driver of the kernel holds; once bound, the "
      "kernel and whoever is logged in over it lose it";
  finding.fix = fmt::format("driverctl set-override {} vfio-pci", address);
  if (!tree.has("/sys/module/vfio_pci")) finding.fix = "modprobe vfio-pci; " + finding.fix;
  if (!tree.has(folder + "/iommu_group"))
    finding.why +=
        fmt::format("; and there is no IOMMU, without which vfio-pci refuses{}", kSofter);
}

Finding check_link(const machine::Tree& tree, const std::string& folder, const std::string& label) {
  Finding finding{.area = kArea, .check = label + " PCIe", .found = ""};
  const auto now = tree.number(folder + "/current_link_width");
  const auto most = tree.number(folder + "/max_link_width");
  const auto speed = tree.line(folder + "/current_link_speed");
  const auto top = tree.line(folder + "/max_link_speed");
  if (!now || !most || !speed || !top) {
    finding.status = Status::unknown;
    finding.found = "the kernel shows no PCIe link: a virtual device";
    return finding;
  }
  finding.found =
      fmt::format("x{} at {} of x{} at {}", *now, speed->substr(0, 24), *most, top->substr(0, 24));
  if (*now >= *most) return finding;
  finding.status = Status::warn;
  finding.why = "the slot has fewer lanes than the NIC: its full rate does not fit";
  finding.fix = "put the NIC into a slot with more lanes";
  return finding;
}

}  // namespace

Findings check_pci(const Patient& patient, const machine::PortPlace& port) {
  const std::string folder = machine::device_folder(port.device);
  const std::string address = folder.substr(folder.rfind('/') + 1);
  Finding finding{.area = kArea, .check = port.label, .found = ""};
  if (!patient.tree.has(folder)) {
    finding.status = Status::fail;
    finding.found = "there is no PCI device " + address;
    finding.why = "edgesentryd does not start without its ports";
    finding.fix = "lspci -D -nn | grep -i ethernet";
    return {finding};
  }
  const std::string driver = patient.tree.link(folder + "/driver").value_or("").substr(0, 64);
  finding.found = fmt::format("{} is bound to {}", address, driver.empty() ? "no driver" : driver);
  if (driver == "vfio-pci") {
    judge_vfio(patient.tree, patient.tree.has(folder + "/iommu_group"), finding);
  } else if (is_one_of(kUio, driver)) {
    finding.status = Status::warn;
    finding.why = "uio protects no memory from the device, and needs root to the end";
    finding.fix = fmt::format("driverctl set-override {} vfio-pci", address);
  } else if (is_one_of(kShared, driver)) {
    finding.found += ", which DPDK shares with the kernel";
  } else {
    judge_kernel_driver(patient.tree, folder, address, finding);
  }
  return {finding, check_link(patient.tree, folder, port.label)};
}

}  // namespace edgesentry::doctor
