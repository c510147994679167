#include "guard/capabilities.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace edgesentry::guard {
namespace {

// In the order of linux/capability.h, from 0.
constexpr std::array<std::string_view, 41> kNames = {"CHOWN",
                                                     "DAC_OVERRIDE",
                                                     "DAC_READ_SEARCH",
                                                     "FOWNER",
                                                     "FSETID",
                                                     "KILL",
                                                     "SETGID",
                                                     "SETUID",
                                                     "SETPCAP",
                                                     "LINUX_IMMUTABLE",
                                                     "NET_BIND_SERVICE",
                                                     "NET_BROADCAST",
                                                     "NET_ADMIN",
                                                     "NET_RAW",
                                                     "IPC_LOCK",
                                                     "IPC_OWNER",
                                                     "SYS_MODULE",
                                                     "SYS_RAWIO",
                                                     "SYS_CHROOT",
                                                     "SYS_PTRACE",
                                                     "SYS_PACCT",
                                                     "SYS_ADMIN",
                                                     "SYS_BOOT",
                                                     "SYS_NICE",
                                                     "SYS_RESOURCE",
                                                     "SYS_TIME",
                                                     "SYS_TTY_CONFIG",
                                                     "MKNOD",
                                                     "LEASE",
                                                     "AUDIT_WRITE",
                                                     "AUDIT_CONTROL",
                                                     "SETFCAP",
                                                     "MAC_OVERRIDE",
                                                     "MAC_ADMIN",
                                                     "SYSLOG",
                                                     "WAKE_ALARM",
                                                     "BLOCK_SUSPEND",
                                                     "AUDIT_READ",
                                                     "PERFMON",
                                                     "BPF",
                                                     "CHECKPOINT_RESTORE"};
static_assert(kNames[CAP_NET_ADMIN] == "NET_ADMIN" && kNames[CAP_BPF] == "BPF");

std::array<__user_cap_data_struct, 2> own_sets() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> sets{};
  ::syscall(SYS_capget, &header, sets.data());  // fails on a wrong version only
  return sets;
}

}  // namespace

std::string Capabilities::to_string() const {
  std::string text;
  for (int number = 0; number < 64; ++number) {
    if (!has(number)) continue;
    if (!text.empty()) text += ' ';
    text += static_cast<std::size_t>(number) < kNames.size()
                ? fmt::format("CAP_{}", kNames[static_cast<std::size_t>(number)])
                : fmt::format("CAP_{}", number);
  }
  return text.empty() ? "none" : text;
}

std::optional<int> capability_number(std::string_view name) {
  std::string upper(name);
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return std::toupper(c); });
  std::string_view wanted = upper;
  if (wanted.starts_with("CAP_")) wanted.remove_prefix(4);
  const auto found = std::ranges::find(kNames, wanted);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<int>(found - kNames.begin());
}

Capabilities effective_capabilities() {
  const auto sets = own_sets();
  return Capabilities(sets[0].effective | std::uint64_t{sets[1].effective} << 32);
}

Capabilities permitted_capabilities() {
  const auto sets = own_sets();
  return Capabilities(sets[0].permitted | std::uint64_t{sets[1].permitted} << 32);
}

}  // namespace edgesentry::guard
