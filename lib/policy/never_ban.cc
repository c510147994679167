// Reads the kernel's tables as proc(5) and linux/route.h describe them.
#include "policy/never_ban.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>

namespace edgesentry::policy {

namespace {

constexpr std::uint32_t kRouteGateway = 0x2;  // RTF_GATEWAY, linux/route.h

// 0.0.0.0/8 and 240/4 (RFC 1122 3.2.1.3, RFC 1112 4) are left out on purpose but for the addresses
// that stacks use themselves: packets from the rest of them are forged, and may be dropped.
constexpr std::array<std::string_view, 9> kSpecial = {
    "127.0.0.0/8", "0.0.0.0", "224.0.0.0/4", "255.255.255.255", "169.254.0.0/16",
    "::1",         "::",      "ff00::/8",    "fe80::/10"};

std::string read_bounded(const char* path) {
  std::string text;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path, "re"), std::fclose);
  if (!file) return text;
  text.resize(kInputBytesMax);
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  return text;
}

std::optional<base::Ip> ip_of(const sockaddr* address) {
  if (address == nullptr) return std::nullopt;
  if (address->sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, address, sizeof v4);
    return base::Ip::v4(ntohl(v4.sin_addr.s_addr));
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, address, sizeof v6);
    std::array<std::uint8_t, 16> bytes;
    std::memcpy(bytes.data(), v6.sin6_addr.s6_addr, bytes.size());
    return base::Ip::from_bytes(bytes);
  }
  return std::nullopt;
}

std::string_view next_word(std::string_view& line) {
  const std::size_t first = std::min(line.find_first_not_of(" \t\r"), line.size());
  const std::size_t end = std::min(line.find_first_of(" \t\r", first), line.size());
  const std::string_view word = line.substr(first, end - first);
  line.remove_prefix(end);
  return word;
}

template <class Visit>
void for_each_line(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    visit(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::optional<std::uint32_t> hex32(std::string_view text) {
  constexpr std::size_t kDigitsMax = 8;
  if (text.empty() || text.size() > kDigitsMax) return std::nullopt;
  std::uint32_t value = 0;
  const auto [stop, fault] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (fault != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

// "Iface Destination Gateway Flags ...": the gateway is the word as it lies in memory.
std::optional<base::Ip> ipv4_gateway(std::string_view line) {
  next_word(line);
  next_word(line);
  const auto gateway = hex32(next_word(line));
  const auto flags = hex32(next_word(line));
  if (!gateway || !flags || (*flags & kRouteGateway) == 0 || *gateway == 0) return std::nullopt;
  return base::Ip::v4(ntohl(*gateway));
}

// "destination length source length next-hop metric references use flags interface".
std::optional<base::Ip> ipv6_gateway(std::string_view line) {
  std::array<std::string_view, 9> words;
  for (std::string_view& word : words) word = next_word(line);
  const std::string_view hop = words[4];
  const auto flags = hex32(words[8]);
  if (hop.size() != 32 || !flags || (*flags & kRouteGateway) == 0) return std::nullopt;
  std::array<std::uint8_t, 16> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = hex32(hop.substr(2 * i, 2));
    if (!byte) return std::nullopt;
    bytes[i] = static_cast<std::uint8_t>(*byte);
  }
  const auto ip = base::Ip::from_bytes(bytes);
  return ip.is_unspecified() ? std::nullopt : std::optional(ip);
}

// resolv.conf(5); a zone ("fe80::1%eth0") says nothing about the address.
std::optional<base::Ip> name_server(std::string_view line) {
  if (next_word(line) != "nameserver") return std::nullopt;
  const std::string_view word = next_word(line);
  return base::Ip::parse(word.substr(0, word.find('%')));
}

void add_host(std::vector<Exemption>& into, const std::optional<base::Ip>& ip, Exempt kind) {
  if (ip) into.push_back({base::Prefix(*ip, ip->is_v4() ? 32 : 128), kind});
}

}  // namespace

NeverBanInputs read_never_ban_inputs() {
  NeverBanInputs inputs;
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) == 0) {
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> all(first, freeifaddrs);
    for (const ifaddrs* it = first; it != nullptr; it = it->ifa_next) {
      if (const auto own = ip_of(it->ifa_addr)) inputs.own_addresses.push_back(*own);
      if ((it->ifa_flags & IFF_BROADCAST) == 0) continue;
      if (const auto all_hosts = ip_of(it->ifa_broadaddr))
        inputs.own_addresses.push_back(*all_hosts);
    }
  }
  inputs.ipv4_routes = read_bounded("/proc/net/route");
  inputs.ipv6_routes = read_bounded("/proc/net/ipv6_route");
  inputs.resolv_conf = read_bounded("/etc/resolv.conf");
  return inputs;
}

std::vector<Exemption> compute_never_ban(const NeverBanInputs& inputs,
                                         const NeverBanSwitches& switches) {
  std::vector<Exemption> found;
  for (const std::string_view text : kSpecial)
    found.push_back({*base::Prefix::parse(text), Exempt::special_address});
  if (switches.own_addresses)
    for (const base::Ip& ip : inputs.own_addresses) add_host(found, ip, Exempt::own_address);
  if (switches.gateways) {
    for_each_line(inputs.ipv4_routes, [&](std::string_view line) {
      add_host(found, ipv4_gateway(line), Exempt::gateway);
    });
    for_each_line(inputs.ipv6_routes, [&](std::string_view line) {
      add_host(found, ipv6_gateway(line), Exempt::gateway);
    });
  }
  if (switches.resolvers)
    for_each_line(inputs.resolv_conf, [&](std::string_view line) {
      add_host(found, name_server(line), Exempt::resolver);
    });
  return found;
}

}  // namespace edgesentry::policy
