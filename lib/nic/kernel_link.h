// The link of a kernel interface as the kernel has it: drivers over kernel interfaces
// (net_af_packet) call theirs up whatever has happened to it.
//
// Any thread but a worker: system calls (netdevice(7)). Taking a link down needs CAP_NET_ADMIN.
#pragma once

#include "base/result.h"

namespace edgesentry::nic {

struct KernelLink {
  bool is_there = false;     // false: the interface is gone
  bool is_wanted = false;    // an administrator has it up
  bool has_carrier = false;  // and there is somebody at the other end
  [[nodiscard]] bool is_up() const noexcept { return is_there && is_wanted && has_carrier; }
};

[[nodiscard]] KernelLink read_kernel_link(unsigned index) noexcept;
[[nodiscard]] base::Status set_kernel_link(unsigned index, bool is_up);

}  // namespace edgesentry::nic
