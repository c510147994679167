#include "guard/capabilities.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "base/capability.h"

namespace edgesentry::guard {
namespace {

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
    const std::string_view name = base::capability_name(number);
    text += name.empty() ? fmt::format("CAP_{}", number) : std::string(name);
  }
  return text.empty() ? "none" : text;
}

std::optional<int> capability_number(std::string_view name) {
  return base::capability_number(name);
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
