#include "scan/inspect.h"

#include <algorithm>
#include <bit>
#include <new>

#include "base/check.h"
#include "scan/inspector_state.h"

namespace edgesentry::scan {

namespace {

constexpr std::size_t kSuspectsPerTick = 32;
constexpr std::uint8_t kArpRequest = 1, kArpReply = 2;  // RFC 826
// A piece of the given memory; the offsets stay multiples of a cache line.
template <class T>
std::span<T> carve(std::byte*& at, std::size_t count) noexcept {
  T* first = reinterpret_cast<T*>(at);
  at += (count * sizeof(T) + base::kCacheLine - 1) / base::kCacheLine * base::kCacheLine;
  return {first, count};
}

struct Sizes {
  std::size_t sets, suspects, slow, drops, logins;
};

Sizes sizes_of(const InspectorSettings& settings) noexcept {
  const std::uint32_t sources = std::clamp<std::uint32_t>(settings.sources, 16, 1u << 30);
  return {
      .sets = std::bit_ceil(sources) / kWays,
      .suspects = std::clamp<std::uint32_t>(settings.suspects, 1, SuspectPool::kSlotsMax),
      .slow = std::bit_ceil(std::clamp<std::uint32_t>(settings.slow, SlowTier::kWays, 1u << 24)),
      .drops = std::bit_ceil(std::clamp<std::uint32_t>(settings.blocks, 16, 1u << 28)) * 2,
      .logins = std::bit_ceil(std::clamp<std::uint32_t>(settings.logins, 4, 1u << 24))};
}

}  // namespace

Roles roles_of(const DetectionPolicy& policy, const wire::Probe& probe) noexcept {
  if (policy.inside.empty()) return {.actor = true, .answer = true};
  const bool from_inside = policy.inside.contains(probe.source);
  const bool to_inside = policy.inside.contains(probe.target);
  return {.actor = to_inside, .answer = from_inside};
}

std::uint32_t owner_hash(const HashKey& key, const base::Ip& source,
                         std::uint8_t ipv6_prefix) noexcept {
  // The tag's upper bits name the set: an owner chosen by them would leave the others' sets unused.
  return source_key(key, source, ipv6_prefix).tag * 0x9e3779b1u;
}

std::size_t Inspector::bytes_needed(const InspectorSettings& settings) noexcept {
  const Sizes sizes = sizes_of(settings);
  return sizeof(State) + sizes.sets * sizeof(SightingSet) +
         sizes.suspects * (sizeof(Suspect) + sizeof(base::Micros)) +
         sizes.slow * (sizeof(SlowRecord) + sizeof(std::uint16_t)) +
         sizes.drops * sizeof(DropSet::Slot) + kServiceEntries * sizeof(ServiceEntry) +
         sizes.logins * sizeof(LoginTable::Record) + 10 * base::kCacheLine;
}

Inspector::Inspector(const InspectorSettings& settings, std::span<std::byte> memory,
                     Tally& tally) noexcept {
  EDGESENTRY_CHECK(memory.size() >= bytes_needed(settings), "memory is sized by bytes_needed()");
  EDGESENTRY_CHECK(reinterpret_cast<std::uintptr_t>(memory.data()) % base::kCacheLine == 0,
                   "a set is one cache line");
  const Sizes sizes = sizes_of(settings);
  std::byte* at = memory.data();
  state_ = new (carve<State>(at, 1).data()) State(settings, tally);
  state_->sets = carve<SightingSet>(at, sizes.sets);
  state_->shift = static_cast<unsigned>(32 - std::countr_zero(sizes.sets));
  state_->suspects = SuspectPool(carve<Suspect>(at, sizes.suspects));
  state_->dues = DueSlots(carve<base::Micros>(at, sizes.suspects));
  const std::span<SlowRecord> slow = carve<SlowRecord>(at, sizes.slow);
  state_->slow = SlowTier(slow, carve<std::uint16_t>(at, sizes.slow));
  state_->drops = DropSet(carve<DropSet::Slot>(at, sizes.drops));
  const std::span<ServiceEntry> own = carve<ServiceEntry>(at, kServiceEntries);
  EDGESENTRY_CHECK(settings.services.empty() || settings.services.size() == kServiceEntries,
                   "a place follows from a service's hash alone");
  state_->services =
      ServiceMap(settings.services.empty() ? own : settings.services, settings.key[2]);
  state_->logins = LoginTable(carve<LoginTable::Record>(at, sizes.logins));
}

Inspector::~Inspector() {
  state_->~State();
}

void Inspector::expect(std::span<const wire::Probe> probes, Role role,
                       const DetectionPolicy& policy) noexcept {
  State& state = *state_;
  EDGESENTRY_DCHECK(state.expected + probes.size() <= kBurstMax, "bursts are bounded");
  const std::size_t first = state.expected;
  state.look_at(probes, {state.settings.key, policy.ipv6_prefix, role, state.shift}, state.looks,
                first);
  // In a loop with nothing else in it: a prefetch waits for its address translation before it can
  // leave the core, and only what fits the reorder buffer beside it overlaps.
  for (std::size_t i = first; i < first + probes.size(); ++i)
    __builtin_prefetch(&state.set_at(state.looks.place[i]), 1);
  state.expected += probes.size();
}

void Inspector::inspect(std::span<const wire::Probe> probes, Role role, base::Micros now,
                        const DetectionPolicy& policy, std::span<Verdict> verdicts,
                        AlertOutbox& outbox) noexcept {
  EDGESENTRY_DCHECK(probes.size() <= kBurstMax, "bursts are bounded");
  State& state = *state_;
  while (state.expected < probes.size()) {
    const std::size_t left = probes.size() - state.expected;
    expect(probes.subspan(state.expected, std::min(kExpectStep, left)), role, policy);
  }
  state.expected = 0;
  const Moment moment{now, coarse(now), policy, outbox};
  const auto& looks = state.looks;
  if (role == Role::answer) {
    for (std::size_t i = 0; i < probes.size(); ++i) {
      state.hear(probes[i], looks.at(i).key, moment);
      verdicts[i] = Verdict::pass;
    }
    return;
  }
  std::array<std::uint8_t, kBurstMax> news;  // places in the burst of what needs a second look
  std::size_t count = 0;
  const auto dropped = static_cast<std::uint8_t>(policy.enforce ? Verdict::drop : Verdict::pass);
  for (std::size_t i = 0; i < probes.size(); ++i) {
    SightingSet& set = state.set_at(looks.place[i]);
    const SightingSet::Glance glance =
        set.glance(looks.tag[i], looks.ipv6[i], looks.novelty[i], moment.coarse_now);
    // Without a branch, as the glance itself.
    verdicts[i] = static_cast<Verdict>(dropped & (0u - unsigned{glance.is_blocked}));
    news[count] = static_cast<std::uint8_t>(i);
    count += glance.is_known ? 0 : 1;
  }
  if (state.drops.size() != 0)
    for (std::size_t n = 0; n < count; ++n) state.drops.prefetch(looks.home[news[n]]);
  const std::uint64_t blocks = state.blocks_made;
  for (std::size_t n = 0; n < count; ++n) {
    std::size_t i = news[n];
    verdicts[i] = state.act(probes[i], looks.at(i), moment);
    if (state.blocks_made == blocks) continue;
    // A source was blocked by this very packet: what follows may be a repeat of the same source.
    while (++i < probes.size()) verdicts[i] = state.act(probes[i], looks.at(i), moment);
    break;
  }
}

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

// ICMP protocol unreachable (RFC 792): no client asks for what is not there, so the answer alone is
// evidence where only the answers come by (a mirror of one direction).
void Inspector::State::meet_by_answer(const wire::Probe& probe, const Answer& answer,
                                      const SourceKey& key, const Moment& moment) noexcept {
  const int way = admit(probe.target, key, moment);
  if (way < 0) return;
  const Place place{key.home >> shift, way};
  Suspect* suspect = promote(probe.target, place, SuspectPool::rank_of_contacts(1, 0), moment);
  if (suspect != nullptr) record_answer(*suspect, probe, answer, moment);
}

void Inspector::State::hear(const wire::Probe& probe, const SourceKey& key,
                            const Moment& moment) noexcept {
  if (probe.outcome == wire::ParseOutcome::arp) {
    if (settings.watches_arp && probe.icmp_type == kArpReply) arp.answer(probe, settings.key);
    return;
  }
  const Answer answer = answer_of(probe);
  if (answer.kind == AnswerKind::none) return;
  if (answer.kind == AnswerKind::accept ||
      (answer.kind == AnswerKind::converse && answer.port_class == PortClass::udp &&
       answer.port < kEphemeral))
    services.learn(answer.target, answer.port, answer.port_class);
  const std::uint32_t index = key.home >> shift;
  SightingSet& set = sets[index];
  int way = set.find(key);
  if (way < 0) {
    const bool is_call = answer.kind == AnswerKind::call || (answer.kind == AnswerKind::converse &&
                                                             answer.port_class == PortClass::udp);
    if (is_unspoken_protocol(answer)) return meet_by_answer(probe, answer, key, moment);
    if (!is_call) return;
    way = admit(probe.target, key, moment);
    if (way >= 0) set.flags[way] |= called(answer);
    return;
  }
  const std::uint32_t contact =
      fingerprint(settings.key, answer.target, answer.port, answer.port_class);
  const std::uint16_t slot = set.suspect[way];
  bool known = (set.sketch[way] & sketch_bit(contact)) != 0;
  const bool serves = (set.flags[way] & sighting_flag::kServes) != 0;
  if (!serves && answer.kind == AnswerKind::converse && answer.port_class == PortClass::udp) {
    // A reply to a probe is no call.
    known = known || (slot != 0 && suspects.at(slot).find(answer.target, answer.port,
                                                          answer.port_class) != nullptr);
    if (!known) set.flags[way] |= sighting_flag::kServes;
  }
  if (answer.kind == AnswerKind::call) set.flags[way] |= called(answer);

  if (slot != 0) {
    record_answer(suspects.at(slot), probe, answer, moment);
    return;
  }
  // A first refusal makes a suspect of a source that tier 1 saw knocking there. A RST to an ACK is
  // also how closed conversations end; it counts once the source is a suspect for something else.
  // But for what nobody is known to have called: that is no end of a conversation.
  const bool uncalled = !serves && refuses_an_answer(answer);
  if (answer.kind != AnswerKind::refuse || !known || (answer.to_ack && !uncalled)) return;
  Suspect* suspect = promote(
      probe.target, Place{index, way},
      SuspectPool::rank_of_contacts(static_cast<std::uint32_t>(std::popcount(set.sketch[way])), 0),
      moment);
  if (suspect != nullptr) record_answer(*suspect, probe, answer, moment);
}

bool Inspector::tick(base::Micros now, const DetectionPolicy& policy,
                     AlertOutbox& outbox) noexcept {
  State& state = *state_;
  const Moment moment{now, coarse(now), policy, outbox};
  std::size_t count = 0;
  for (; count < kSuspectsPerTick; ++count) {
    const std::uint16_t slot = state.dues.take(now);
    if (slot == 0) break;
    Suspect& suspect = state.suspects.at(slot);
    if (!suspect.in_use) continue;
    if (suspect.alert_owed)
      state.emit(suspect, suspect.owed, suspect.contacts[suspect.newest], moment);
    state.age(suspect, moment);
    const bool is_over = suspect.contained
                             ? base::elapsed(suspect.restrained, now) > kContainedFor
                             : base::elapsed(suspect.last_seen, now) > policy.thresholds.window;
    if (!suspect.alert_owed && is_over)
      state.release(slot);
    else
      state.dues.wake_by(slot, State::due_of(suspect, moment));
  }
  state.tally.suspects.set(state.suspects.in_use());
  state.tally.slow_suspects.set(state.slow.size());
  state.tally.blocked_sources.set(state.drops.size());
  return count == kSuspectsPerTick;
}

}  // namespace edgesentry::scan
