// A time as the appliance sends it ("2026-11-23T06:54:30.239000Z"), for people: by their clock, to
// the second, and no longer than it has to be. Reads TZ; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace edgesentry::cli {

// "07:54:30" today, "11-22 07:54:30" this year, "2025-11-22" before and after; nullopt: no time.
[[nodiscard]] std::optional<std::string> short_local_time(std::string_view utc);
// "2026-11-23 07:54:30"
[[nodiscard]] std::optional<std::string> local_time(std::string_view utc);

}  // namespace edgesentry::cli
