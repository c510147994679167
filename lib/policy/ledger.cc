// The ledger: standings of sources and the moves between them.
#include "policy/ledger.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace edgesentry::policy {

namespace {

// A call of expire() moves at most so many timers for each block that it may report: a block passes
// through six levels of the wheel in the course of a day.
constexpr std::uint32_t kStepsPerExpiry = 8;

constexpr base::Micros micros(std::chrono::seconds s) {
  return base::seconds(static_cast<std::uint64_t>(s.count()));
}

constexpr base::Micros end_of(base::Micros now, std::chrono::seconds duration) {
  const std::uint64_t length = micros(duration).value;
  return length > kForever.value - now.value ? kForever : now + base::Micros{length};
}

constexpr bool in_force(Standing standing) {
  return standing == Standing::blocked || standing == Standing::shadow;
}

}  // namespace

Ledger::Ledger(LedgerSettings settings)
    : settings_(std::move(settings)),
      index_(std::max(settings_.blocks_max, 1u) + std::max(settings_.history_max, 1u)) {
  settings_.blocks_max = std::max(settings_.blocks_max, 1u);
  settings_.history_max = std::max(settings_.history_max, 1u);
  if (settings_.ladder.empty()) settings_.ladder = LedgerSettings{}.ladder;
}

void Ledger::adopt(std::vector<std::chrono::seconds> ladder, std::chrono::seconds forget_after) {
  if (!ladder.empty()) settings_.ladder = std::move(ladder);
  settings_.forget_after = forget_after;
}

base::Ip Ledger::key_of(const base::Ip& ip) const noexcept {
  if (ip.is_v4() || settings_.ipv6_prefix >= 128) return ip;
  auto bytes = ip.bytes();
  std::size_t byte = settings_.ipv6_prefix / 8;
  if (settings_.ipv6_prefix % 8 != 0) {
    bytes[byte] &= static_cast<std::uint8_t>(0xff00 >> (settings_.ipv6_prefix % 8));
    ++byte;
  }
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(byte), bytes.end(), std::uint8_t{0});
  return base::Ip::from_bytes(bytes);
}

base::Prefix Ledger::prefix_of(const base::Ip& ip) const {
  return base::Prefix(ip, ip.is_v4() ? std::uint8_t{32} : settings_.ipv6_prefix);
}

Entry& Ledger::at(std::uint32_t slot) noexcept {
  return chunks_[slot / kChunk][slot % kChunk];
}
const Entry& Ledger::at(std::uint32_t slot) const noexcept {
  return chunks_[slot / kChunk][slot % kChunk];
}

std::uint32_t Ledger::slot_of(const base::Ip& key) const noexcept {
  return index_.find(key, [this](std::uint32_t s) -> const base::Ip& { return at(s).source; });
}

Entry* Ledger::find(const base::Ip& ip) noexcept {
  const std::uint32_t slot = slot_of(key_of(ip));
  return slot == kNoSlot ? nullptr : &at(slot);
}
const Entry* Ledger::find(const base::Ip& ip) const noexcept {
  const std::uint32_t slot = slot_of(key_of(ip));
  return slot == kNoSlot ? nullptr : &at(slot);
}

bool Ledger::blocks(const base::Ip& ip, base::Micros now) const noexcept {
  const Entry* entry = find(ip);
  return entry != nullptr && entry->standing == Standing::blocked && now < entry->until;
}

bool Ledger::is_forgotten(const Entry& entry, base::Micros now) const noexcept {
  return !in_force(entry.standing) && is_long_ago(entry.quiet_since, now);
}

bool Ledger::is_long_ago(base::Micros quiet_since, base::Micros now) const noexcept {
  return base::elapsed(quiet_since, now) >= micros(settings_.forget_after);
}

std::uint32_t Ledger::next_offence(const Entry* entry, base::Micros now) const noexcept {
  if (entry == nullptr || is_forgotten(*entry, now)) return 1;
  // A shadow that becomes a block is the same offence, now answered.
  if (entry->standing == Standing::shadow && now < entry->until) return entry->offences;
  return entry->offences + 1;
}

std::chrono::seconds Ledger::ladder_step(std::uint32_t offence) const noexcept {
  const std::size_t step = offence == 0 ? 0 : offence - 1;
  return settings_.ladder[std::min(step, settings_.ladder.size() - 1)];
}

BlockResult Ledger::block(const BlockRequest& request, base::Micros now) {
  const base::Ip key = key_of(request.source);
  std::uint32_t slot = slot_of(key);
  BlockResult result{.outcome = BlockOutcome::added};
  if (slot != kNoSlot && in_force(at(slot).standing)) {
    Entry& entry = at(slot);
    const bool goes_on = now < entry.until;
    const bool same_kind = (entry.standing == Standing::shadow) == request.shadow;
    if (goes_on && same_kind) return renew(slot, request, now);
    result.ended = entry.standing;
    result.has_ended = true;
    if (!goes_on) release(slot, entry.until);
  }
  const std::uint32_t offence = next_offence(slot == kNoSlot ? nullptr : &at(slot), now);
  const bool is_counted = slot != kNoSlot && in_force(at(slot).standing) && at(slot).is_offence;
  if (slot != kNoSlot && in_force(at(slot).standing)) release(slot, now);
  if (is_full()) return {};
  if (slot == kNoSlot) slot = claim(key);
  enter_standing(slot, request.shadow ? Standing::shadow : Standing::blocked);

  Entry& entry = at(slot);
  entry.origin = request.origin;
  // What operators decide is nobody's offence: block, unblock, block climbs no ladder.
  entry.is_offence = request.origin == Origin::detector || is_counted;
  entry.offences = entry.is_offence ? offence : offence - 1;
  entry.since = now;
  entry.until = end_of(now, request.duration.count() > 0 ? request.duration : ladder_step(offence));
  entry.quiet_since = now;
  entry.reason = request.reason;
  if (request.alert != nullptr) {
    // Of this offence; earlier ones have had their log line.
    entry.evidence = std::make_unique<scan::Alert>(*request.alert);
  }
  if (entry.until != kForever) wheel_.set(slot, entry.until);
  result.entry = &entry;
  return result;
}

BlockResult Ledger::renew(std::uint32_t slot, const BlockRequest& request, base::Micros now) {
  Entry& entry = at(slot);
  if (request.alert != nullptr) add_evidence(entry, *request.alert);
  if (request.origin == Origin::detector) return {.outcome = BlockOutcome::merged, .entry = &entry};
  if (wheel_.is_armed(slot)) wheel_.cancel(slot);
  entry.origin = request.origin;
  entry.reason = request.reason;
  const std::uint32_t offence = entry.offences + (entry.is_offence ? 0 : 1);
  entry.until = end_of(now, request.duration.count() > 0 ? request.duration : ladder_step(offence));
  if (entry.until != kForever) wheel_.set(slot, entry.until);
  return {.outcome = BlockOutcome::renewed, .entry = &entry};
}

Entry& Ledger::note(const scan::Alert& alert, base::Micros now) {
  const base::Ip key = key_of(alert.source);
  std::uint32_t slot = slot_of(key);
  if (slot != kNoSlot && is_forgotten(at(slot), now)) {
    drop(slot);
    slot = kNoSlot;
  }
  if (slot == kNoSlot) {
    slot = claim(key);
    enter_standing(slot, Standing::noted);
  }
  Entry& entry = at(slot);
  add_evidence(entry, alert);
  entry.quiet_since = now;
  // The lists of memories are in order of quiet_since.
  if (!in_force(entry.standing)) enter_standing(slot, entry.standing);
  return entry;
}

void Ledger::add_evidence(Entry& entry, const scan::Alert& alert) {
  // What came before the end of the last block was about that block.
  const bool is_fresh = entry.evidence != nullptr && entry.evidence->last_seen >= entry.released;
  if (is_fresh) {
    merge_evidence(*entry.evidence, alert);
  } else {
    entry.evidence = std::make_unique<scan::Alert>(alert);
  }
}

const Entry* Ledger::soonest_to_end() const {
  constexpr std::uint32_t kLooks = 4096;  // a tenth of a millisecond
  const auto slot = wheel_.earliest(kLooks, [this](std::uint32_t each) {
    return at(each).standing == Standing::blocked && at(each).origin == Origin::detector;
  });
  return slot ? &at(*slot) : nullptr;
}

bool Ledger::lift(const base::Ip& ip, base::Micros now) {
  const std::uint32_t slot = slot_of(key_of(ip));
  if (slot == kNoSlot || !in_force(at(slot).standing)) return false;
  release(slot, std::min(now, at(slot).until));
  return true;
}

bool Ledger::pardon(const base::Ip& ip, base::Micros now) {
  if (!lift(ip, now)) return false;
  Entry& entry = at(slot_of(key_of(ip)));
  if (std::exchange(entry.is_offence, false)) --entry.offences;
  return true;
}

bool Ledger::restore(Kept&& kept, base::Micros now) {
  kept.source = key_of(kept.source);
  if (slot_of(kept.source) != kNoSlot) return true;
  if (kept.is_block && is_full()) return false;
  if (!kept.is_block && is_long_ago(kept.quiet_since, now)) return true;
  const std::uint32_t slot = claim(kept.source);
  Entry& entry = at(slot);
  entry.origin = kept.origin;
  entry.is_offence = kept.is_offence;
  entry.offences = kept.offences;
  entry.since = kept.since;
  entry.until = kept.until;
  entry.quiet_since = kept.quiet_since;
  entry.released = kept.released;
  entry.reason = std::move(kept.reason);
  enter_standing(slot, kept.is_block ? Standing::blocked : Standing::remembered);
  if (kept.is_block && entry.until != kForever) wheel_.set(slot, entry.until);
  return true;
}

std::size_t Ledger::expire(base::Micros now, std::span<Expired> out) {
  auto steps = static_cast<std::uint32_t>(out.size()) * kStepsPerExpiry;
  std::size_t count = 0;
  while (count < out.size()) {
    const auto slot = wheel_.take_due(now, steps);
    if (!slot) break;
    const Entry& entry = at(*slot);
    out[count++] = {entry.source, entry.standing, offence_of(entry), entry.since, entry.until};
    release(*slot, entry.until);
  }
  is_behind_ = count == out.size() || steps == 0;
  forget_old(now, out.size());
  return count;
}

Ledger::Page Ledger::page(std::uint32_t cursor, std::uint32_t visits_max,
                          std::span<const Entry*> out) const {
  Page page;
  const auto slots = static_cast<std::uint32_t>(is_used_.size());
  std::uint32_t slot = cursor;
  for (; slot < slots && visits_max > 0 && page.count < out.size(); ++slot, --visits_max)
    if (is_used_[slot]) out[page.count++] = &at(slot);
  page.next = slot < slots ? slot : 0;
  return page;
}

std::uint32_t Ledger::claim(const base::Ip& key) {
  // Sources that were only noted cost an attacker nothing to invent: they make room first, unless
  // there are so few that real memories must have filled the history.
  if (remembered_.size() + noted_.size() >= settings_.history_max)
    drop(noted_.size() > settings_.history_max / 8 || remembered_.size() == 0
             ? noted_.first()
             : remembered_.first());
  if (free_.empty()) {
    const auto first = static_cast<std::uint32_t>(is_used_.size());
    chunks_.push_back(std::make_unique<Entry[]>(kChunk));
    is_used_.resize(first + kChunk);
    links_.links.resize(first + kChunk);
    wheel_.grow(first + kChunk);
    for (std::uint32_t slot = first + kChunk; slot > first; --slot) free_.push_back(slot - 1);
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  is_used_[slot] = true;
  at(slot).source = key;  // new ones and dropped ones are empty
  index_.insert(key, slot);
  return slot;
}

void Ledger::drop(std::uint32_t slot) {
  leave_standing(slot);
  index_.erase(at(slot).source,
               [this](std::uint32_t s) -> const base::Ip& { return at(s).source; });
  at(slot) = Entry{};
  is_used_[slot] = false;
  free_.push_back(slot);
}

void Ledger::leave_standing(std::uint32_t slot) {
  if (wheel_.is_armed(slot)) wheel_.cancel(slot);
  switch (at(slot).standing) {
    case Standing::unknown:
      break;
    case Standing::noted:
      noted_.remove(links_, slot);
      break;
    case Standing::remembered:
      remembered_.remove(links_, slot);
      break;
    case Standing::blocked:
      --blocked_;
      break;
    case Standing::shadow:
      --shadowed_;
      break;
  }
  at(slot).standing = Standing::unknown;
}

void Ledger::enter_standing(std::uint32_t slot, Standing standing) {
  leave_standing(slot);
  at(slot).standing = standing;
  switch (standing) {
    case Standing::unknown:
      break;
    case Standing::noted:
      noted_.push_back(links_, slot);
      break;
    case Standing::remembered:
      remembered_.push_back(links_, slot);
      break;
    case Standing::blocked:
      ++blocked_;
      break;
    case Standing::shadow:
      ++shadowed_;
      break;
  }
}

void Ledger::release(std::uint32_t slot, base::Micros when) {
  Entry& entry = at(slot);
  entry.released = when;
  entry.quiet_since = std::max(entry.quiet_since, when);
  enter_standing(slot, Standing::remembered);
  if (remembered_.size() + noted_.size() > settings_.history_max) {
    const std::uint32_t oldest = noted_.size() > 0 ? noted_.first() : remembered_.first();
    if (oldest != slot) drop(oldest);
  }
}

void Ledger::forget_old(base::Micros now, std::size_t count_max) {
  for (SlotList* list : {&remembered_, &noted_})
    for (std::size_t i = 0; i < count_max && list->size() > 0; ++i) {
      if (!is_forgotten(at(list->first()), now)) break;
      drop(list->first());
    }
}

}  // namespace edgesentry::policy
