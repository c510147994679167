// A packet from outside that tier 1 has something to learn from.
#include <bit>

#include "scan/inspector_state.h"

namespace edgesentry::scan {
namespace {

constexpr std::uint8_t kArpRequest = 1;  // RFC 826

}  // namespace

Verdict Inspector::State::act(const wire::Probe& probe, const Look& look,
                              const Moment& moment) noexcept {
  // Packets that are broken behind their addresses still come from somebody.
  if (probe.source == base::Ip{}) return Verdict::pass;
  if (probe.outcome == wire::ParseOutcome::arp) {
    if (!settings.watches_arp || probe.icmp_type != kArpRequest) return Verdict::pass;
    const ArpSender* sweeper = arp.ask(probe, settings.key, moment.now);
    if (sweeper != nullptr) report(*sweeper, moment);
    return Verdict::pass;
  }
  const SourceKey& key = look.key;
  const std::uint32_t index = key.home >> shift;
  SightingSet& set = sets[index];
  int way = set.find(key);
  if (way < 0) [[unlikely]] {
    way = admit(probe.source, key, moment);
    if (way < 0) return verdict_of_unknown(probe, key, moment);
  }
  if (set.seen[way] != moment.coarse_now) set.seen[way] = moment.coarse_now;
  const Place place{index, way};
  if (set.flags[way] & sighting_flag::kBlocked) {
    const std::uint16_t slot = set.suspect[way];
    if (slot != 0) (void)watch_reaction(suspects.at(slot), probe, moment);
    return verdict_of_blocked(probe, key, place, moment);
  }

  Touch touch = touch_of(probe);
  if (probe.traits & wire::trait::kFragment) [[unlikely]]
    touch = fragments.judge(probe, touch, settings.key, moment.now);
  std::uint32_t contacts_before = 0;
  if (set.flags[way] & sighting_flag::kSuspect) {
    Suspect& suspect = suspects.at(set.suspect[way]);
    contacts_before = suspect.contacts_ever;
    if (watch_reaction(suspect, probe, moment))
      return set.flags[way] & sighting_flag::kBlocked ? Verdict::drop : Verdict::hold;
    record_touch(suspect, probe, touch, moment);
  } else if (set.newest[way] != look.novelty) {
    // What could not be read to its end is looked at each time.
    set.newest[way] = probe.outcome < wire::ParseOutcome::not_ip ? look.novelty : 0;
    greet(probe, touch, place, moment);
  }
  if (set.flags[way] & sighting_flag::kBlocked) return Verdict::drop;
  if (hides_its_ports(probe) && moment.policy.enforce &&
      !moment.policy.allow.contains(probe.source)) {
    set.newest[way] = 0;  // the next one is looked at as well
    return Verdict::hold;
  }
  if (!(set.flags[way] & sighting_flag::kSuspect) || !restrains(moment.policy))
    return Verdict::pass;
  Suspect& suspect = suspects.at(set.suspect[way]);
  const bool is_new = suspect.contacts_ever != contacts_before;
  return restrain(suspect, {probe, touch, is_new}, moment);
}

// Something new from a source that is no suspect: one distinct contact is nothing, two make one.
void Inspector::State::greet(const wire::Probe& probe, const Touch& touch, Place place,
                             const Moment& moment) noexcept {
  SightingSet& set = sets[place.set];
  const std::uint8_t flags = set.flags[place.way];
  if (touch.kind == TouchKind::none || is_walking(probe)) return;
  const bool excused = is_excused(probe, touch, flags);
  if (excused && !is_doubtful(probe, touch, flags)) return;
  const std::uint32_t contact =
      fingerprint(settings.key, wire::fold(probe.target), touch.port, touch.port_class);
  set.sketch[place.way] |= sketch_bit(contact);
  if (excused) return;
  const int distinct = std::popcount(set.sketch[place.way]);
  set.rank[place.way] = static_cast<std::uint8_t>(distinct);
  const bool watched =
      (touch.port_class == PortClass::tcp && moment.policy.watched_tcp.contains(touch.port)) ||
      (touch.port_class == PortClass::udp && moment.policy.watched_udp.contains(touch.port));
  const bool lone_answer = is_lone_answer(probe, touch);
  const bool lured =
      is_lured(probe, touch, moment.policy) || is_in_the_dark(moment.policy, probe.target, touch);
  if (distinct < 2 && touch.kind != TouchKind::abnormal && !watched && !lone_answer && !lured &&
      !was_suspect(probe.source, place, moment.policy))
    return;

  const bool is_abnormal = touch.kind == TouchKind::abnormal;
  const std::uint8_t rank = SuspectPool::rank_of_contacts(
      static_cast<std::uint32_t>(distinct) + (is_abnormal || watched ? 1 : 0), is_abnormal ? 1 : 0);
  Suspect* suspect = promote(probe.source, place, rank, moment);
  if (suspect == nullptr) return;
  suspect->was_met = distinct > 1;
  record_touch(*suspect, probe, touch, moment);
}

// Every way of its set holds somebody worse. The source stays unknown, but a block still holds.
Verdict Inspector::State::verdict_of_unknown(const wire::Probe& probe, const SourceKey& key,
                                             const Moment& moment) noexcept {
  const bool dropped =
      moment.policy.enforce &&
      drops.contains(canonical_source(probe.source, moment.policy.ipv6_prefix), key.home);
  return dropped ? Verdict::drop : Verdict::pass;
}

Verdict Inspector::State::verdict_of_blocked(const wire::Probe& probe, const SourceKey& key,
                                             Place place, const Moment& moment) noexcept {
  SightingSet& set = sets[place.set];
  if (set.flags[place.way] & sighting_flag::kAlertOwed) [[unlikely]] {
    set.flags[place.way] &= static_cast<std::uint8_t>(~sighting_flag::kAlertOwed);
    const std::uint16_t slot = set.suspect[place.way];
    if (slot != 0 && suspects.at(slot).alert_owed) {
      Suspect& suspect = suspects.at(slot);
      emit(suspect, suspect.owed, suspect.contacts[suspect.newest], moment);
    }
  }
  if (!moment.policy.enforce) return Verdict::pass;
  // 64 hashed bits may collide for IPv6: a wrong block is worse than one more look.
  if (key.ipv6 &&
      !drops.contains(canonical_source(probe.source, moment.policy.ipv6_prefix), key.home))
    return Verdict::pass;
  return Verdict::drop;
}

}  // namespace edgesentry::scan
