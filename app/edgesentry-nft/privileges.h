// Gives up every capability but CAP_NET_ADMIN, for ever: bounding set, ambient set, and nothing
// that is executed later can win any back. Once, at the start, while there is one thread.
#pragma once

#include "base/result.h"

namespace edgesentry::nft {

[[nodiscard]] base::Status keep_net_admin_only();

}  // namespace edgesentry::nft
