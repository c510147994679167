// Ends of blocks that no block can have: a flipped bit in the file makes a year of an hour, or for
// ever. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "store/record.h"

namespace edgesentry::store {

struct EndLimits {
  std::int64_t now = 0;            // microseconds since 1970
  std::chrono::seconds longest{};  // that a block can last
  std::chrono::seconds instead{};  // how long one lasts from now whose end makes no sense
};

// Corrects the ends in `records`; those that were changed. Blocks until somebody lifts them stay.
[[nodiscard]] std::vector<Record> shorten(std::vector<Record>& records, const EndLimits& limits);

}  // namespace edgesentry::store
