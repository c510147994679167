// "127.0.0.1:9465": where the metrics server listens. IPv4 and plain HTTP only.
//
// Debian's civetweb 1.15, under prometheus-cpp, is built without IPv6, and its TLS calls a function
// that OpenSSL 3 no longer has: the first https request would end the process.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/ip.h"
#include "base/result.h"

namespace edgesentry::config {

struct ListenAddress {
  base::Ip address;
  std::uint16_t port = 0;
};

base::Result<ListenAddress> parse_listen(std::string_view text);

// The API's: IPv6 too, in brackets as in a URL, "[::1]:9466".
base::Result<ListenAddress> parse_api_listen(std::string_view text);

}  // namespace edgesentry::config
