#include "enforce/capabilities.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace edgesentry::enforce {
namespace {

base::Error failed(const char* what) {
  return {fmt::format("{} failed: {}", what, std::strerror(errno))};
}

}  // namespace

base::Status keep_only(std::span<const Capability> kept) {
  const auto is_kept = [&](unsigned long number) {
    return std::ranges::any_of(kept, [&](const Capability& each) {
      return static_cast<unsigned long>(each.number) == number;
    });
  };
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("setting no_new_privs");
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return failed("forbidding core dumps");
  // Ends with EINVAL behind the last capability of this kernel; without CAP_SETPCAP there is
  // nothing to win, either: no_new_privs is set.
  for (unsigned long number = 0; ::prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; ++number)
    if (!is_kept(number) && ::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0 && errno != EPERM)
      return failed("narrowing the bounding set");
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);  // absent before Linux 4.3
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> had{}, sets{};
  if (::syscall(SYS_capget, &header, had.data()) != 0) return failed("reading capabilities");
  for (const Capability& each : kept) {
    const auto word = static_cast<std::size_t>(each.number / 32);
    const std::uint32_t bit = 1u << each.number % 32;
    if ((had[word].permitted & bit) == 0)
      return base::Error{
          fmt::format("{0} is missing; run edgesentryd as root or with AmbientCapabilities={0} in "
                      "its unit",
                      each.name)};
    sets[word].permitted |= bit;
    sets[word].effective |= bit;
  }
  if (::syscall(SYS_capset, &header, sets.data()) != 0) return failed("dropping capabilities");
  return {};
}

}  // namespace edgesentry::enforce
