#include "config/listen_address.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace edgesentry::config {

base::Result<ListenAddress> parse_listen(std::string_view text) {
  const std::string shown = '"' + std::string(text) + '"';
  if (text.starts_with("https:") || text.starts_with("tls:") || text.starts_with("ssl:"))
    return base::Error{shown +
                       " asks for TLS, with which the web server library crashes; put a proxy in "
                       "front for that"};
  if (std::ranges::count(text, ':') > 1)
    return base::Error{shown + " is IPv6, which the web server library does not have"};
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return base::Error{shown + " has no port"};
  const auto address = base::Ip::parse(text.substr(0, colon));
  if (!address) return base::Error{shown + " does not begin with an IPv4 address"};
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (fault != std::errc{} || end != digits.data() + digits.size() || port == 0)
    return base::Error{shown + " does not end in a port from 1 to 65535"};
  return ListenAddress{*address, port};
}

base::Result<ListenAddress> parse_api_listen(std::string_view text) {
  if (!text.starts_with('[')) return parse_listen(text);
  const std::string shown = '"' + std::string(text) + '"';
  const std::size_t end = text.find("]:");
  if (end == std::string_view::npos) return base::Error{shown + " has no port"};
  const auto address = base::Ip::parse(text.substr(1, end - 1));
  if (!address || address->is_v4())
    return base::Error{shown + " has no IPv6 address in its brackets"};
  auto parsed = parse_listen("0.0.0.0:" + std::string(text.substr(end + 2)));
  if (!parsed) return base::Error{shown + " does not end in a port from 1 to 65535"};
  return ListenAddress{*address, parsed.value().port};
}

}  // namespace edgesentry::config
