// Requests in, replies out, until the other end is gone or says so. One thread.
#pragma once

#include "base/result.h"
#include "enforce/filter.h"

namespace edgesentry::enforce {

enum class Ended {
  asked,   // by quit
  orphan,  // the other end is gone
  broken,  // the socket failed
};

// At the start: an Error unless the descriptor is a packet socket. From here on signals are
// ignored: whoever stops edgesentryd stops its children at the same moment, and they must outlast
// it so that what they programmed is removed in order.
[[nodiscard]] base::Status prepare_session(int socket);

[[nodiscard]] Ended serve(int socket, Filter& filter);

}  // namespace edgesentry::enforce
