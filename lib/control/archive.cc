#include "control/archive.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "control/state.h"

namespace edgesentry::control {

namespace {

using std::chrono::microseconds;

constexpr std::uint32_t kEntriesAtOnce = 4096;

std::int64_t unix_micros(WallTime time) {
  return std::chrono::duration_cast<microseconds>(time.time_since_epoch()).count();
}

// 0 and kForever mean the same on both axes.
std::int64_t wall_micros(const ControlState& state, base::Micros then) {
  if (then == base::Micros{}) return 0;
  if (then == policy::kForever) return store::kForever;
  return std::max<std::int64_t>(unix_micros(state.wall_of(then)), 0);
}

base::Micros axis_micros(const ControlState& state, std::int64_t wall) {
  if (wall == 0) return {};
  if (wall == store::kForever) return policy::kForever;
  const std::int64_t ahead = wall - unix_micros(state.axis.wall);
  const auto axis = state.axis.monotonic.value;
  if (ahead >= 0) return base::Micros{axis + static_cast<std::uint64_t>(ahead)};
  const auto ago = static_cast<std::uint64_t>(-ahead);
  return base::Micros{axis > ago ? axis - ago : 1};
}

policy::Kept kept_of(const ControlState& state, store::Record&& record) {
  // What is past stays past, though the wall clock was set back since: evidence older than the end
  // of the last block would count for nothing.
  const auto past = [&](std::int64_t wall) {
    return std::min(axis_micros(state, wall), state.axis.monotonic);
  };
  return {.source = record.source,
          .is_block = record.standing == store::Standing::blocked,
          .origin = record.origin == store::Origin::detector ? policy::Origin::detector
                                                             : policy::Origin::operator_order,
          .is_offence = record.is_offence,
          .offences = record.offences,
          .since = past(record.since),
          .until = axis_micros(state, record.until),
          .quiet_since = past(record.quiet_since),
          .released = past(record.released),
          .reason = std::move(record.reason)};
}

}  // namespace

bool is_kept(const policy::Entry& entry) noexcept {
  return entry.standing == policy::Standing::blocked ||
         (entry.standing == policy::Standing::remembered && entry.offences > 0);
}

store::Record record_of(const ControlState& state, const policy::Entry& entry) {
  return {.source = entry.source,
          .standing = entry.standing == policy::Standing::blocked ? store::Standing::blocked
                                                                  : store::Standing::remembered,
          .origin = entry.origin == policy::Origin::detector ? store::Origin::detector
                                                             : store::Origin::operator_order,
          .is_offence = entry.is_offence,
          .offences = entry.offences,
          .since = wall_micros(state, entry.since),
          .until = wall_micros(state, entry.until),
          .quiet_since = wall_micros(state, entry.quiet_since),
          .released = wall_micros(state, entry.released),
          .reason = entry.reason};
}

store::Allowed allowed_of(const ControlState& state) {
  store::Allowed allowed;
  for (const policy::Exemption& each : state.lists.live) allowed.push_back(each.prefix.to_string());
  return allowed;
}

store::Everything everything_of(const ControlState& state) {
  store::Everything all{.records = {}, .allowed = allowed_of(state)};
  std::vector<const policy::Entry*> entries(kEntriesAtOnce);
  std::uint32_t cursor = 0;
  do {
    const auto page = state.ledger.page(cursor, kEntriesAtOnce, entries);
    for (std::size_t i = 0; i < page.count; ++i)
      if (is_kept(*entries[i])) all.records.push_back(record_of(state, *entries[i]));
    cursor = page.next;
  } while (cursor != 0);
  return all;
}

Restored restore(ControlState& state, std::vector<store::Record>&& records,
                 const store::Allowed& allowed) {
  Restored restored;
  // The file is input like any other: what is no network is left out.
  for (const std::string& network : allowed)
    if (const auto prefix = base::Prefix::parse(network))
      state.lists.live.push_back({*prefix, policy::Exempt::allowed_live});
  restored.allowed = static_cast<std::uint32_t>(state.lists.live.size());
  if (restored.allowed > 0) state.adopt();
  const base::Micros now = state.now.monotonic;
  // The ledger forgets in the order in which it was told; of blocks it makes no difference.
  const auto memories = std::ranges::partition(records, [](const store::Record& record) {
    return record.standing == store::Standing::blocked;
  });
  std::ranges::sort(memories, {}, &store::Record::quiet_since);
  restored.blocked.reserve(records.size());
  for (store::Record& record : records) {
    policy::Kept kept = kept_of(state, std::move(record));
    const bool is_exempt = kept.is_block && state.exempt.why(kept.source).has_value();
    const bool is_over = kept.is_block && (kept.until <= now || is_exempt);
    if (kept.is_block && !is_over && !state.enforces()) {
      ++restored.waiting;
      continue;
    }
    if (is_over) {
      restored.exempt += kept.until > now ? 1 : 0;
      kept.is_block = false;
      kept.released = std::min(kept.until, now);
      ++restored.ended;
      state.changed.push_back(kept.source);
    }
    const base::Ip source = kept.source;
    const bool is_block = kept.is_block;
    if (!state.ledger.restore(std::move(kept), now))
      ++restored.refused;
    else if (is_block)
      restored.blocked.push_back(state.ledger.key_of(source));
    else
      ++restored.remembered;
  }
  state.numbers.blocks_restored.add(restored.blocked.size());
  state.numbers.blocks_active.set(state.ledger.blocked());
  return restored;
}

}  // namespace edgesentry::control
