#include <algorithm>
#include <cstddef>
#include <optional>

#include "scan/inspector_state.h"

namespace edgesentry::scan {

namespace {
// Tier-1 entries unseen for longer than this are free for the taking; younger ones that have to go
// are counted as evictions. 120 units of 1.05 s.
constexpr std::uint16_t kFresh = 120;
// From this much held against it, a suspect's place in tier 1 is not given to a newcomer.
constexpr std::uint8_t kHoldRank = SuspectPool::rank_of_contacts(3, 0);
constexpr std::uint8_t kSuspectRank = 0x20;
// Claims between the fetch of a record and that of what it leads to.
constexpr std::uint32_t kLooksPerClaim = SuspectPool::kCandidatesForLittle;
// A blocked source's place goes to a newcomer when nothing less is left: the drop set knows it when
// it comes back. A table full of blocks must not be blind to new scanners.
constexpr std::uint8_t kBlockedRank = 0x40;
}  // namespace

// A place in tier 1 for a source that has none; -1 when everybody there is worse.
int Inspector::State::admit(const base::Ip& source, const SourceKey& key,
                            const Moment& moment) noexcept {
  SightingSet& set = sets[key.home >> shift];
  const int way = set.victim(moment.coarse_now);
  if (way < 0) {
    tally.evictions.add(1);
    return -1;
  }
  if (set.flags[way] & sighting_flag::kUsed) {
    if (set.suspect[way] != 0) set_aside(set.suspect[way], moment);
    if (static_cast<std::uint16_t>(moment.coarse_now - set.seen[way]) < kFresh)
      tally.evictions.add(1);
  } else {
    tally.sources.add(1);
  }
  tally.sources_added.add(1);
  set.tag[way] = key.tag;
  set.newest[way] = 0;
  set.sketch[way] = 0;
  set.seen[way] = moment.coarse_now;
  set.suspect[way] = 0;
  set.rank[way] = 0;
  set.flags[way] = static_cast<std::uint8_t>(sighting_flag::kUsed |
                                             (key.ipv6 ? sighting_flag::kIpv6 : std::uint8_t{0}));
  if (drops.size() != 0 &&
      drops.contains(canonical_source(source, moment.policy.ipv6_prefix), key.home)) {
    set.flags[way] |= sighting_flag::kBlocked;
    set.rank[way] = kBlockedRank;
  }
  return way;
}

Suspect* Inspector::State::promote(const base::Ip& source, Place place, std::uint8_t rank,
                                   const Moment& moment) noexcept {
  std::optional<SlowRecord> former;
  if (slow.may_know(sets[place.set].tag[place.way]))
    former = slow.take(source_key(settings.key, source, moment.policy.ipv6_prefix));
  if (former.has_value())
    rank = std::max(rank, SuspectPool::rank_of_contacts(count_bad(*former) + 1, 0));
  const std::uint16_t slot = suspects.claim(rank, moment.now);
  if (slot == 0) {
    if (former.has_value()) slow.put(*former, moment.now, moment.policy.thresholds.window);
    tally.suspects_refused.add(1);
    return nullptr;
  }
  if (suspects.at(slot).in_use) set_aside(slot, moment);
  Suspect& suspect = suspects.at(slot);
  suspect.reset();
  suspect.source = source;
  suspect.first_seen = suspect.last_seen = moment.now;
  suspect.set = place.set;
  suspect.way = static_cast<std::uint8_t>(place.way);
  suspect.in_use = true;
  suspects.count_claimed();
  look_ahead(moment.policy);
  dues.wake_by(slot, moment.now + moment.policy.thresholds.answer_timeout);
  SightingSet& set = sets[place.set];
  set.suspect[place.way] = slot;
  set.flags[place.way] |= sighting_flag::kSuspect;
  set.rank[place.way] = kSuspectRank;
  if (former.has_value()) {
    restore(suspect, *former, moment.policy, moment.now);
    settle_rank(suspect, moment.policy);
  }
  return &suspect;
}

// In a flood of suspects each claim pushes one out, and where that one stands in tier 1 and in the
// slow tier are lines that nobody has touched for long. Three waits in a row for each, unless they
// are fetched while the claims before are served: the records of the claim after the next, and what
// those of the next one lead to.
void Inspector::State::look_ahead(const DetectionPolicy& policy) const noexcept {
  if (suspects.in_use() < suspects.capacity()) return;
  for (std::uint32_t i = 0; i < kLooksPerClaim; ++i) {
    const Suspect& soon = suspects.at(suspects.upcoming(i));
    __builtin_prefetch(&sets[soon.set], 1);
    slow.prefetch(source_key(settings.key, soon.source, policy.ipv6_prefix).tag);
    const Suspect& later = suspects.at(suspects.upcoming(i + kLooksPerClaim));
    const auto* line = reinterpret_cast<const std::byte*>(&later);
    for (std::size_t at = 0; at <= offsetof(Suspect, contacts); at += base::kCacheLine)
      __builtin_prefetch(line + at, 1);
  }
}

void Inspector::State::set_aside(std::uint16_t slot, const Moment& moment) noexcept {
  const Suspect& suspect = suspects.at(slot);
  const DetectionPolicy& policy = moment.policy;
  if (suspect.in_use && has_evidence(suspect)) {
    const SourceKey key = source_key(settings.key, suspect.source, policy.ipv6_prefix);
    const auto record = summary_of(suspect, key, policy.thresholds);
    if (record.has_value()) slow.put(*record, moment.now, policy.thresholds.window);
  }
  release(slot);
}

void Inspector::State::release(std::uint16_t slot) noexcept {
  const Suspect& suspect = suspects.at(slot);
  SightingSet& set = sets[suspect.set];
  if (suspect.in_use && set.suspect[suspect.way] == slot) {
    set.suspect[suspect.way] = 0;
    set.flags[suspect.way] &= static_cast<std::uint8_t>(~sighting_flag::kSuspect);
    if (!(set.flags[suspect.way] & sighting_flag::kBlocked)) set.rank[suspect.way] = 1;
  }
  suspects.release(slot);
}

void Inspector::State::settle_rank(const Suspect& suspect, const DetectionPolicy& policy) noexcept {
  SightingSet& set = sets[suspect.set];
  const bool blocked = (set.flags[suspect.way] & sighting_flag::kBlocked) != 0;
  if (blocked && !suspect.alert_owed) {
    const base::Ip canonical = canonical_source(suspect.source, policy.ipv6_prefix);
    const SourceKey key = source_key(settings.key, canonical, policy.ipv6_prefix);
    const bool is_kept = drops.contains(canonical, key.home);
    set.rank[suspect.way] = is_kept ? kBlockedRank : SightingSet::kHeld;
    return;
  }
  const bool held = suspect.alert_owed || SuspectPool::rank_of(suspect) >= kHoldRank;
  set.rank[suspect.way] = held ? SightingSet::kHeld : kSuspectRank;
}

void Inspector::State::block(const base::Ip& source, Place place,
                             const DetectionPolicy& policy) noexcept {
  const base::Ip canonical = canonical_source(source, policy.ipv6_prefix);
  const SourceKey key = source_key(settings.key, canonical, policy.ipv6_prefix);
  ++blocks_made;
  const bool is_kept = drops.insert(canonical, key.home);
  SightingSet& set = sets[place.set];
  set.flags[place.way] |= sighting_flag::kBlocked;
  set.rank[place.way] = is_kept ? kBlockedRank : SightingSet::kHeld;
}

}  // namespace edgesentry::scan
