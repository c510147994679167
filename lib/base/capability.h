// The names of Linux's capabilities, in the order of linux/capability.h, which is their numbers'.
// Any thread.
#pragma once

#include <optional>
#include <string_view>

namespace edgesentry::base {

// "CAP_NET_ADMIN"; empty: this program knows none of that number.
[[nodiscard]] std::string_view capability_name(int number) noexcept;
// Of "CAP_NET_ADMIN" or "net_admin".
[[nodiscard]] std::optional<int> capability_number(std::string_view name);

}  // namespace edgesentry::base
