// Durations and counts as operators write them: "10m", "1h30m", "500ms"; "64k", "16M".
//
// Units from large to small, each at most once: w d h m s ms. Whole numbers only: "1.5h" is
// "1h30m". Counts use powers of 1024, because what they size is memory. Pure functions, never throw
// on bad text: the error is the half sentence that follows the value.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace edgesentry::config {

base::Result<std::chrono::milliseconds> parse_duration(std::string_view text);
std::string format_duration(std::chrono::milliseconds duration);  // "1h30m", "0s"

base::Result<std::int64_t> parse_count(std::string_view text);

}  // namespace edgesentry::config
