#include "scan/suspect_pool.h"

#include <algorithm>

namespace edgesentry::scan {

namespace {

constexpr std::uint64_t kKeep = ~std::uint64_t{0};  // the cost of one that stays
constexpr std::uint64_t kLongest = (std::uint64_t{1} << 48) - 1;

// us, 48 bits
std::uint64_t idle_of(const Suspect& suspect, base::Micros now) noexcept {
  return std::min(base::elapsed(suspect.last_seen, now).value, kLongest);
}

}  // namespace

std::uint8_t SuspectPool::rank_of(const Suspect& suspect) noexcept {
  if (suspect.alert_owed) return kOwedRank;
  if (suspect.decided && !suspect.contained)
    return 0;  // the ledger has it; the record has done its work
  const std::uint32_t good = std::min<std::uint32_t>(suspect.contact_count, suspect.successes);
  return rank_of_contacts(suspect.contact_count - good, suspect.abnormal);
}

std::uint16_t SuspectPool::claim(std::uint8_t rank, base::Micros now) noexcept {
  const auto all = static_cast<std::uint32_t>(records_.size());
  const Search whole{
      .first = 0, .count = all, .candidates = rank <= kLittle ? kCandidatesForLittle : kCandidates};
  const std::uint16_t slot = find(whole, hand_, [&](const Suspect& candidate) {
    const std::uint64_t idle = idle_of(candidate, now);
    const std::uint64_t halvings = std::min<std::uint64_t>(idle / kHalfLife.value, 7);
    const std::uint32_t held = std::uint32_t{rank_of(candidate)} >> halvings;
    return held > rank ? kKeep : std::uint64_t{held} << 48 | (kLongest - idle);
  });
  if (slot != 0 || rank <= kLittle) return slot;
  // By age alone: a scanner at work is younger than the forged ones that came and went, and has
  // shown less than they.
  const std::uint32_t share = (all + kProbationShare - 1) / kProbationShare;
  const Search probation{
      .first = all - share, .count = share, .candidates = kCandidatesOnProbation};
  return find(probation, probation_hand_,
              [&](const Suspect& candidate) { return kLongest - idle_of(candidate, now); });
}

// A free slot, or that of the lowest cost among the next few; 0 when none may be taken.
template <class Cost>
std::uint16_t SuspectPool::find(const Search& search, std::uint32_t& hand,
                                Cost&& cost_of) const noexcept {
  std::uint32_t best = 0;
  std::uint64_t best_cost = kKeep;
  for (int i = 0; i < search.candidates && search.count > 0; ++i) {
    hand = hand + 1 < search.count ? hand + 1 : 0;
    const std::uint32_t at = search.first + hand;
    const Suspect& candidate = records_[at];
    if (!candidate.in_use) return static_cast<std::uint16_t>(at + 1);
    const std::uint64_t cost = candidate.alert_owed ? kKeep : cost_of(candidate);
    if (cost < best_cost) {
      best_cost = cost;
      best = at + 1;
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
