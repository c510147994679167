// Gives up every capability but those named, for ever: bounding set, ambient set, and nothing that
// is executed later can win any back. Once, at the start, while there is one thread. An Error where
// one of those named is not there to be kept.
#pragma once

#include <span>

#include "base/result.h"

namespace edgesentry::enforce {

struct Capability {
  int number;  // CAP_...
  const char* name;
};

[[nodiscard]] base::Status keep_only(std::span<const Capability> kept);

}  // namespace edgesentry::enforce
