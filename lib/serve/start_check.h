// What would keep the servers from starting, found out without taking a place, so that it may be
// asked beside an appliance that runs. Any thread.
#pragma once

#include <string>

#include "base/result.h"
#include "config/listen_address.h"

namespace edgesentry::serve {

// Whether the HTTP library takes these two PEM texts, and they belong together.
[[nodiscard]] base::Status check_tls(const std::string& certificate, const std::string& key);

// Whether `place` can be bound. `key` is what the error begins with: "api.listen".
// `is_port_ours`: an appliance runs and may have the port, so that only the address is tried.
[[nodiscard]] base::Status check_place(const std::string& key, const config::ListenAddress& place,
                                       bool is_port_ours);

}  // namespace edgesentry::serve
