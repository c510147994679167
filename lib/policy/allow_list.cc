#include "policy/allow_list.h"

namespace edgesentry::policy {

namespace {

base::Prefix widened(const base::Prefix& prefix, std::uint8_t ipv6_prefix) {
  if (prefix.address().is_v4() || prefix.length() <= ipv6_prefix) return prefix;
  return base::Prefix(prefix.address(), ipv6_prefix);
}

}  // namespace

Exemptions::Exemptions(const AllowLists& lists, std::uint8_t ipv6_prefix) {
  std::vector<base::Prefix> prefixes;
  std::array<std::vector<base::Prefix>, kExemptWords.size()> by_kind;
  for (const auto* list : {&lists.never_ban, &lists.configured, &lists.file, &lists.live})
    for (const Exemption& exemption : *list) {
      prefixes.push_back(widened(exemption.prefix, ipv6_prefix));
      by_kind[static_cast<std::size_t>(exemption.kind)].push_back(prefixes.back());
    }
  set_ = base::CidrSet(prefixes);
  for (std::size_t kind = 0; kind < by_kind.size(); ++kind)
    by_kind_[kind] = base::CidrSet(by_kind[kind]);
  size_ = prefixes.size();
}

std::optional<Exempt> Exemptions::why(const base::Ip& ip) const noexcept {
  // The machine's own needs, at the end, are the stronger reason.
  for (std::size_t kind = by_kind_.size(); kind > 0; --kind)
    if (by_kind_[kind - 1].contains(ip)) return static_cast<Exempt>(kind - 1);
  return std::nullopt;
}

}  // namespace edgesentry::policy
