#include "scan/inspect.h"

#include <algorithm>
#include <bit>
#include <new>

#include "base/check.h"
#include "scan/inspector_state.h"

namespace edgesentry::scan {

namespace {

constexpr std::size_t kSuspectsPerTick = 32;
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
    const SightingSet::Glance glance = set.glance(&looks.tag[i], &looks.novelty[i], &looks.plain[i],
                                                  &looks.shut_out[i], moment.coarse_now);
    // Without a branch, as the glance itself.
    verdicts[i] = static_cast<Verdict>(dropped & (0u - unsigned{glance.is_shut_out}));
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
