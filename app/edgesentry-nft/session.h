// Requests in, replies out, until the other end is gone or says so. One thread.
#pragma once

#include "edgesentry-nft/firewall.h"

namespace edgesentry::nft {

enum class Ended {
  asked,   // by quit
  orphan,  // the other end is gone
  broken,  // the socket failed
};

[[nodiscard]] Ended serve(int socket, Firewall& firewall);

}  // namespace edgesentry::nft
