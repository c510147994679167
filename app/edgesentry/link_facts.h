// What only the kernel's sockets tell of an interface: whether it merges packets (ethtool ioctl),
// and whether an XDP program is attached (rtnetlink). Any thread; no privileges; what the kernel
// does not answer is absent.
#pragma once

#include <string>

#include "doctor/patient.h"

namespace edgesentry::cli {

[[nodiscard]] doctor::LinkFacts read_link_facts(const std::string& interface);

}  // namespace edgesentry::cli
