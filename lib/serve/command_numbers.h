// The command socket's numbers; written by its one thread, read by metrics.
#pragma once

#include "base/counter.h"
#include "base/units.h"

namespace edgesentry::serve {

struct alignas(base::kCacheLine) CommandNumbers {
  base::Counter connections;  // gauge
  base::Counter accepted;
  base::Counter refused;  // above the limit of connections, and nobody gave way
  base::Counter
      slow;  // disconnected: did not read its reply, or was busy when root needed its place
  base::Counter idle;       // disconnected: asked nothing for too long, or for longest at the limit
  base::Counter handled;    // requests answered by the handler
  base::Counter malformed;  // lines that are not a request
};

}  // namespace edgesentry::serve
