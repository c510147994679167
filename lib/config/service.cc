#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/config.h"

namespace edgesentry::config {
namespace {

constexpr std::array<std::string_view, 3> kTransports = {"tcp", "udp", "sctp"};

// The next word, and `text` without it.
std::string_view take_word(std::string_view& text) {
  const auto begin = std::min(text.find_first_not_of(' '), text.size());
  const auto end = std::min(text.find(' ', begin), text.size());
  const std::string_view word = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return word;
}

}  // namespace

base::Result<Service> Service::parse(std::string_view text) {
  const std::string_view where = take_word(text), transport = take_word(text);
  Service service;
  const auto prefix = base::Prefix::parse(where);
  if (!prefix) return base::Error{fmt::format("\"{}\" is not an address or a network", where)};
  service.where = *prefix;
  const auto* const known = std::find(kTransports.begin(), kTransports.end(), transport);
  if (known == kTransports.end())
    return base::Error{fmt::format("\"{}\" is not tcp, udp or sctp", transport)};
  service.transport = static_cast<Transport>(known - kTransports.begin());
  auto ports = base::PortSet::parse(text);
  if (!ports.ok()) return ports.error();
  service.ports = ports.value();
  if (service.ports.size() == 0) return base::Error{"no port is named"};
  if (service.ports.contains(0)) return base::Error{"port 0 is no service"};
  return service;
}

std::string Service::to_string() const {
  return fmt::format("{} {} {}", where.to_string(),
                     kTransports[static_cast<std::size_t>(transport)], ports.to_string());
}

}  // namespace edgesentry::config
