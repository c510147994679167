// Who refuses logins at which port, as the patterns tell. Worked out with them, not for a packet.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "signature/pattern.h"

namespace edgesentry::payload {

inline constexpr std::uint8_t kRefuses = 1;           // a service that refuses passwords only
inline constexpr std::uint8_t kRefusesEverybody = 2;  // one that asks whoever comes without

// Servers of these refuse whoever has not logged in, password or not.
[[nodiscard]] bool refuses_everybody(std::string_view service) noexcept;

// Refusals that do not ask for a password: to who was seen to offer one.
[[nodiscard]] bool needs_offer(std::string_view service) noexcept;

// The bits above, by port.
[[nodiscard]] std::vector<std::uint8_t> login_ports(std::span<const signature::Pattern> patterns);

}  // namespace edgesentry::payload
