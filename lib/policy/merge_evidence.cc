// One alert of what several workers saw of a source.
#include <algorithm>

#include "policy/ledger.h"

namespace edgesentry::policy {

void merge_evidence(scan::Alert& into, const scan::Alert& from) {
  scan::Alert merged = from.last_seen < into.last_seen ? into : from;
  const scan::Alert& other = from.last_seen < into.last_seen ? from : into;
  const auto unite = [](auto& list, std::uint32_t& count, const auto& more,
                        std::uint32_t more_count) {
    auto used = std::min<std::size_t>(count, list.size());
    for (std::size_t i = 0; i < std::min<std::size_t>(more_count, more.size()); ++i) {
      if (used == list.size()) break;
      if (std::find(list.begin(), list.begin() + used, more[i]) == list.begin() + used)
        list[used++] = more[i];
    }
    count = std::max({count, more_count, static_cast<std::uint32_t>(used)});
  };
  unite(merged.ports, merged.port_count, other.ports, other.port_count);
  unite(merged.targets, merged.target_count, other.targets, other.target_count);
  merged.probes = std::max(merged.probes, other.probes);
  merged.failures = std::max(merged.failures, other.failures);
  merged.successes = std::max(merged.successes, other.successes);
  merged.abnormal = std::max(merged.abnormal, other.abnormal);
  merged.first_seen = std::min(merged.first_seen, other.first_seen);
  merged.severity = std::max(merged.severity, other.severity);
  merged.confidence = std::max(merged.confidence, other.confidence);
  merged.proven = merged.proven || other.proven;
  into = merged;
}

}  // namespace edgesentry::policy
