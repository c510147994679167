#include "edgesentry-nft/privileges.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace edgesentry::nft {
namespace {

base::Error failed(const char* what) {
  return {fmt::format("{} failed: {}", what, std::strerror(errno))};
}

}  // namespace

base::Status keep_net_admin_only() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("setting no_new_privs");
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return failed("forbidding core dumps");
  // Ends with EINVAL behind the last capability of this kernel; without CAP_SETPCAP there is
  // nothing to win, either: no_new_privs is set.
  for (unsigned long capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0;
       ++capability)
    if (capability != CAP_NET_ADMIN && ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 &&
        errno != EPERM)
      return failed("narrowing the bounding set");
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);  // absent before Linux 4.3
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) return failed("reading capabilities");
  constexpr std::uint32_t kKept = 1u << CAP_NET_ADMIN;
  if ((sets[0].permitted & kKept) == 0)
    return base::Error{
        "CAP_NET_ADMIN is missing; run edgesentryd as root or with AmbientCapabilities="
        "CAP_NET_ADMIN in its unit"};
  sets = {};
  sets[0].effective = sets[0].permitted = kKept;
  if (::syscall(SYS_capset, &header, sets.data()) != 0) return failed("dropping capabilities");
  return {};
}

}  // namespace edgesentry::nft
