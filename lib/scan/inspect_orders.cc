// What the control thread says to a worker's engine: its orders, and alerts that it had no room
// for.
#include "scan/inspector_state.h"

namespace edgesentry::scan {

void Inspector::apply(const Order& order, const DetectionPolicy& policy) noexcept {
  State& state = *state_;
  const base::Ip source = canonical_source(order.source, policy.ipv6_prefix);
  const SourceKey key = source_key(state.settings.key, source, policy.ipv6_prefix);
  SightingSet& set = state.sets[key.home >> state.shift];
  const int way = set.find(key);
  if (order.kind != OrderKind::contain) (void)state.slow.take(key);  // decided: nothing is left
  if (order.kind == OrderKind::block) {
    if (way >= 0)
      state.block(source, Place{key.home >> state.shift, way}, policy);
    else
      state.drops.insert(source, key.home);
    return;
  }
  state.drops.erase(source, key.home);
  if (way < 0) return;
  if (order.kind == OrderKind::contain) return state.contain(Place{key.home >> state.shift, way});
  if (set.suspect[way] != 0) state.release(set.suspect[way]);
  set.flags[way] &=
      static_cast<std::uint8_t>(~(sighting_flag::kBlocked | sighting_flag::kAlertOwed));
  set.rank[way] = 0;
  set.sketch[way] = 0;
  set.newest[way] = 0;
}

void Inspector::offer_again(const Alert& alert) noexcept {
  if (alert.kind == AlertKind::clue) return;  // of many; a crowd is known by those that arrive
  State& state = *state_;
  const SourceKey key = source_key(state.settings.key, alert.source, alert.prefix_length);
  SightingSet& set = state.sets[key.home >> state.shift];
  const int way = set.find(key);
  if (way < 0 || set.suspect[way] == 0) return;
  Suspect& suspect = state.suspects.at(set.suspect[way]);
  const bool owes_more = suspect.alert_owed && alert.kind == AlertKind::proof;
  if (!owes_more) suspect.owed = alert.kind;
  suspect.alert_owed = true;
  state.dues.wake_by(set.suspect[way], {});
  set.flags[way] |= sighting_flag::kAlertOwed;
  set.rank[way] = SightingSet::kHeld;  // whoever took its place would take the alert along
}

}  // namespace edgesentry::scan
