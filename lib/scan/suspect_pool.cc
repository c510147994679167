#include "scan/suspect_pool.h"

#include <algorithm>

namespace edgesentry::scan {

std::uint8_t SuspectPool::rank_of(const Suspect& suspect) noexcept {
  if (suspect.alert_owed) return kOwedRank;
  if (suspect.decided) return 0;  // the ledger has it; the record has done its work
  const std::uint32_t good = std::min<std::uint32_t>(suspect.contact_count, suspect.successes);
  return rank_of_contacts(suspect.contact_count - good, suspect.abnormal);
}

std::uint16_t SuspectPool::claim(std::uint8_t rank, base::Micros now) noexcept {
  std::uint32_t best = 0;
  std::uint64_t best_cost = ~std::uint64_t{0};
  const int candidates = rank <= kLittle ? kCandidatesForLittle : kCandidates;
  for (int i = 0; i < candidates && !records_.empty(); ++i) {
    hand_ = hand_ + 1 < records_.size() ? hand_ + 1 : 0;
    const Suspect& candidate = records_[hand_];
    if (!candidate.in_use) return static_cast<std::uint16_t>(hand_ + 1);
    const std::uint8_t held = rank_of(candidate);
    if (held > rank) continue;
    constexpr std::uint64_t kLongest = (std::uint64_t{1} << 48) - 1;
    const std::uint64_t idle_ms = base::elapsed(candidate.last_seen, now).value / 1000;
    const std::uint64_t cost = std::uint64_t{held} << 48 | (kLongest - std::min(idle_ms, kLongest));
    if (cost < best_cost) {
      best_cost = cost;
      best = hand_ + 1;
    }
  }
  return static_cast<std::uint16_t>(best);
}

void SuspectPool::release(std::uint16_t slot) noexcept {
  Suspect& suspect = at(slot);
  if (suspect.in_use) --in_use_;
  suspect.in_use = false;
}

}  // namespace edgesentry::scan
