// Whom we never block: what the operator allows (config, file, live command) and what the machine
// itself needs (never_ban.h). Pure values; made by the control thread and by replay, off the packet
// path.
//
// One source of IPv6 is a whole prefix (64 bits unless configured), so an exemption that is longer
// than it is widened to it: blocking the prefix would hit the exempt host too.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/cidr_set.h"
#include "base/ip.h"

namespace edgesentry::policy {

enum class Exempt : std::uint8_t {
  allowed_by_config,
  allowed_by_file,
  allowed_live,  // by command; holds until it is taken back
  own_address,
  gateway,
  resolver,
  special_address,    // loopback, unspecified, multicast, broadcast, link-local
  protected_network,  // of networks.inside: only a forged packet comes from outside in its name
};
inline constexpr std::array<std::string_view, 8> kExemptWords = {
    "it is on the allow list of the configuration",
    "it is in the allow file",
    "an operator allowed it",
    "it is an address of this machine",
    "it is a router of this machine",
    "it is a name server of this machine",
    "it is a special address (loopback, multicast, broadcast or link-local)",
    "it is in a protected network (networks.inside)"};
[[nodiscard]] constexpr std::string_view words_for(Exempt kind) {
  return kExemptWords[static_cast<std::size_t>(kind)];
}

struct Exemption {
  base::Prefix prefix;
  Exempt kind = Exempt::allowed_by_config;
  friend bool operator==(const Exemption&, const Exemption&) = default;
};

struct AllowLists {
  std::vector<Exemption> configured;
  std::vector<Exemption> file;
  std::vector<Exemption> live;
  std::vector<Exemption> never_ban;
};

// All lists together, ready to be asked per alert.
class Exemptions {
 public:
  Exemptions() = default;
  Exemptions(const AllowLists& lists, std::uint8_t ipv6_prefix);

  [[nodiscard]] bool contains(const base::Ip& ip) const noexcept { return set_.contains(ip); }
  // Why it is exempt; nullopt when it is not.
  [[nodiscard]] std::optional<Exempt> why(const base::Ip& ip) const noexcept;
  [[nodiscard]] const base::CidrSet& set() const noexcept { return set_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  base::CidrSet set_;
  std::array<base::CidrSet, kExemptWords.size()> by_kind_;
  std::size_t size_ = 0;
};

}  // namespace edgesentry::policy
