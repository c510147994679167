#include "plane/worker.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>
#include <sys/prctl.h>

#include <algorithm>
#include <utility>

#include "wire/parse.h"

namespace edgesentry::plane {
namespace {

constexpr std::uint32_t kRoundsPerHousekeeping = 256;
constexpr std::uint16_t kPrefetchAhead = 8;         // packets; a memory access costs about 8 parses
constexpr std::size_t kScatteredMax = 65'536 + 64;  // the longest IP packet and its link header

}  // namespace

void Worker::run(const std::atomic<bool>& stop) noexcept {
  // Even where the NIC brings each source to its worker: what is inside a tunnel it does not see.
  const bool hands_over = settings_.workers > 1;
  if (settings_.is_tap) return hands_over ? tell<true, true>(stop) : tell<true, false>(stop);
  return hands_over ? tell<false, true>(stop) : tell<false, false>(stop);
}

template <bool kTap, bool kHandOver>
void Worker::tell(const std::atomic<bool>& stop) noexcept {
  links_.policy.join(settings_.id.value);
  ::prctl(PR_SET_TIMERSLACK, 1'000UL);  // ns: short sleeps end when they should
  now_ = links_.clock.now();
  keep_house();
  // Relaxed: stopping orders nothing; what was written is handed over by joining the lcore.
  while (!stop.load(std::memory_order_relaxed)) {
    now_ = links_.clock.now();
    if (const std::uint32_t asked = asked_stance_.bits(); asked != stance_) [[unlikely]]
      take_stance(asked);
    std::uint32_t handled = 0;
    for (std::uint16_t i = 0; i < links_.ports.size(); ++i) {
      const WorkerPort& port = links_.ports[i];
      receive(port);
      if (burst_.count == 0) continue;
      handled += burst_.count;
      if constexpr (kTap || kHandOver)
        parse([](std::span<const wire::Probe>) {});
      else
        parse([&](std::span<const wire::Probe> probes) {
          inspector_.expect(probes, port.role, *policy_);
        });
      if constexpr (kTap) {
        if (!kHandOver && is_one_way()) {
          inspect(scan::Role::actor);
          look_inside(scan::Role::actor);
          tally_.dropped_fault[index_of(scan::FaultDrop::consumed)].add(burst_.count);
        } else {
          split_by_role<kHandOver>();
          inspect(actors_, scan::Role::actor);
          inspect(answers_, scan::Role::answer);
          look_inside(actors_, scan::Role::actor);
          look_inside(answers_, scan::Role::answer);
        }
        escalate();
        consume();
      } else {
        if constexpr (kHandOver) hand_over(i);
        inspect(port.role);
        look_inside(port.role);
        escalate();
        forward(port);
      }
    }
    if constexpr (kHandOver) handled += take_over<kTap>();
    if (++rounds_ % kRoundsPerHousekeeping == 0 || is_house_due()) handled += keep_house();
    rest(handled);
  }
  links_.policy.leave(settings_.id.value);
}

void Worker::receive(const WorkerPort& port) noexcept {
  if (!port.has_queue) return;
  burst_.count =
      rte_eth_rx_burst(port.port, settings_.id.value, burst_.packets.data(), nic::kBurst);
  if (burst_.count == 0) {
    tally_.empty_polls.add(1);
    return;
  }
  // Read after the fetch: no packet of the burst came in later, so a decision is never older than
  // a packet that was looked at before it.
  now_ = links_.clock.now();
  for (std::uint16_t i = 0; i < std::min(burst_.count, kPrefetchAhead); ++i)
    rte_prefetch0(rte_pktmbuf_mtod(burst_.packets[i], const void*));
  tally_.bursts.add(1);
}

// Bytes to probes; hostile input becomes a counted outcome. Every few of them are shown to
// `expect`.
template <class Expect>
void Worker::parse(Expect&& expect) noexcept {
  std::array<std::uint16_t, wire::kParseOutcomes> outcomes{};
  std::uint16_t shown = 0;
  bool is_mute = true;
  for (std::uint16_t i = 0; i < burst_.count; ++i) {
    if (i + kPrefetchAhead < burst_.count)
      rte_prefetch0(rte_pktmbuf_mtod(burst_.packets[i + kPrefetchAhead], const void*));
    const wire::ParseOutcome outcome =
        wire::parse(bytes_of(burst_.packets[i]), wire::LinkType::ethernet, burst_.probes[i]);
    ++outcomes[static_cast<std::size_t>(outcome)];
    is_mute &= payload::is_mute(burst_.probes[i]);
    if (i + 1u - shown == scan::kExpectStep) {
      expect(std::span<const wire::Probe>(burst_.probes).subspan(shown, scan::kExpectStep));
      shown = static_cast<std::uint16_t>(i + 1);
    }
  }
  is_mute_ = is_mute;
  tally_.received_packets.add(burst_.count);
  tally_.received_bytes.add(nic::total_bytes(burst_.held()));
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    if (outcomes[i] > 0) tally_.parsed[i].add(outcomes[i]);
}

// A packet in one buffer is read in place; one that a driver chained is put together first.
std::span<const std::uint8_t> Worker::bytes_of(rte_mbuf* packet) noexcept {
  if (rte_pktmbuf_is_contiguous(packet)) [[likely]]
    return {rte_pktmbuf_mtod(packet, const std::uint8_t*), rte_pktmbuf_data_len(packet)};
  const auto size =
      static_cast<std::uint32_t>(std::min<std::size_t>(rte_pktmbuf_pkt_len(packet), kScatteredMax));
  const void* bytes = rte_pktmbuf_read(packet, 0, size, scattered_.get());
  return {static_cast<const std::uint8_t*>(bytes), bytes == nullptr ? 0 : size};
}

// Whose source it is. Without an address (ARP, LLDP, a frame that ends early) it is nobody's, and
// stays here. A NIC hashes the outer addresses, so sources inside a tunnel go by the hash always.
std::uint16_t Worker::owner_of(const wire::Probe& probe, scan::Role role) const noexcept {
  const base::Ip& source = role == scan::Role::actor ? probe.source : probe.target;
  const bool is_ipv6 = (probe.traits & wire::trait::kIpv6) != 0;
  const bool is_inner = (probe.traits & wire::trait::kDecapsulated) != 0;
  const bool is_by_nic = is_ipv6 ? settings_.nic_owns_ipv6 : settings_.nic_owns_ipv4;
  if ((is_by_nic && !is_inner) || source == base::Ip{}) return settings_.id.value;
  // The upper bits of hash x workers: an even choice without a division.
  const std::uint64_t hash = scan::owner_hash(key_, source, settings_.ipv6_prefix);
  return static_cast<std::uint16_t>(hash * settings_.workers >> 32);
}

// Packets of other workers' sources leave the burst; what stays keeps its order.
void Worker::hand_over(std::uint16_t port) noexcept {
  const scan::Role role = links_.ports[port].role;
  std::array<rte_mbuf*, nic::kBurst> refused;
  std::uint16_t kept = 0, handed = 0, lost = 0;
  for (std::uint16_t i = 0; i < burst_.count; ++i) {
    const std::uint16_t owner = owner_of(burst_.probes[i], role);
    if (owner == settings_.id.value) {
      burst_.packets[kept] = burst_.packets[i];
      if (kept != i) burst_.probes[kept] = burst_.probes[i];
      ++kept;
      continue;
    }
    const Handover item{burst_.probes[i], burst_.packets[i], port, role};
    if (links_.handover.to[owner].try_push(item))
      ++handed;
    else
      refused[lost++] = burst_.packets[i];
  }
  burst_.count = kept;
  tally_.handed_over.add(handed);
  if (lost == 0) return;
  if ((stance_ & stance::kPassUnowned) != 0)
    return pass_unowned(links_.ports[port], std::span(refused).first(lost));
  tally_.dropped_fault[index_of(scan::FaultDrop::handover_full)].add(lost);
  discard(std::span(refused).first(lost));
}

// True: all of the burst is to protected hosts, and none of it from them; nothing has to be copied.
bool Worker::is_one_way() const noexcept {
  bool is_actors = true, is_answers = false;
  if (const base::CidrSet::Range4* inside = policy_->inside.sole_range(); inside != nullptr) {
    for (std::uint16_t i = 0; i < burst_.count; ++i) {
      is_actors &= inside->contains(burst_.probes[i].target);
      is_answers |= inside->contains(burst_.probes[i].source);
    }
    return is_actors && !is_answers;
  }
  for (std::uint16_t i = 0; i < burst_.count; ++i) {
    const scan::Roles roles = scan::roles_of(*policy_, burst_.probes[i]);
    is_actors &= roles.actor;
    is_answers |= roles.answer;
  }
  return is_actors && !is_answers;
}

// A tap shows both directions: each probe is looked at in the role or roles that it plays. Within a
// burst actors come first; a tap drops nothing, so the order of roles decides nothing.
template <bool kHandOver>
void Worker::split_by_role() noexcept {
  actors_.count = answers_.count = 0;
  std::uint16_t lost = 0;
  for (std::uint16_t i = 0; i < burst_.count; ++i) {
    const wire::Probe& probe = burst_.probes[i];
    const scan::Roles roles = scan::roles_of(*policy_, probe);
    // A payload is looked at once, in the role of the side that sent it.
    const bool is_mute = watch_ == nullptr || payload::is_mute(probe);
    const signature::Side sender =
        is_mute ? signature::Side::client : watch_->sender_of(probe, roles);
    bool is_lost = false;
    const auto offer = [&](ProbeBatch& batch, scan::Role role, signature::Side side) {
      const std::uint16_t owner = kHandOver ? owner_of(probe, role) : settings_.id.value;
      rte_mbuf* const packet = !is_mute && side == sender
                                   ? worth_a_look(owner, probe, side, burst_.packets[i])
                                   : nullptr;
      if (owner == settings_.id.value)
        batch.add(probe, packet);
      else
        is_lost |= !push_copy(owner, probe, role, packet);
    };
    if (roles.actor) offer(actors_, scan::Role::actor, signature::Side::client);
    if (roles.answer) offer(answers_, scan::Role::answer, signature::Side::server);
    lost += is_lost ? 1 : 0;
  }
  tally_.dropped_fault[index_of(scan::FaultDrop::handover_full)].add(lost);
  tally_.dropped_fault[index_of(scan::FaultDrop::consumed)].add(burst_.count - lost);
}

// The packet stays this worker's too: both free it, and the last one gives it back.
bool Worker::push_copy(std::uint16_t owner, const wire::Probe& probe, scan::Role role,
                       rte_mbuf* packet) noexcept {
  if (packet != nullptr) rte_pktmbuf_refcnt_update(packet, 1);
  const bool is_pushed = links_.handover.to[owner].try_push({probe, packet, 0, role});
  if (is_pushed) tally_.handed_over.add(1);
  if (!is_pushed && packet != nullptr) rte_pktmbuf_refcnt_update(packet, -1);
  return is_pushed;
}

rte_mbuf* Worker::worth_a_look(std::uint16_t owner, const wire::Probe& probe, signature::Side side,
                               rte_mbuf* packet) const noexcept {
  return watch_ != nullptr && watch_->may_want(probe, side, *links_.watches[owner]) ? packet
                                                                                    : nullptr;
}

// What the other workers received of this worker's sources; one burst from each of them a round.
template <bool kTap>
std::uint32_t Worker::take_over() noexcept {
  std::array<Handover, nic::kBurst> items;
  std::uint32_t taken = 0;
  for (std::uint16_t from = 0; from < settings_.workers; ++from) {
    if (from == settings_.id.value) continue;
    const std::size_t count = links_.handover.from[from].pop_some(items);
    if (count == 0) continue;
    now_ = links_.clock.now();
    take_over_from<kTap>(std::span(items).first(count));
    taken += static_cast<std::uint32_t>(count);
  }
  if (taken > 0) tally_.taken_over.add(taken);
  return taken;
}

template <bool kTap>
void Worker::take_over_from(std::span<const Handover> items) noexcept {
  if constexpr (kTap) {
    actors_.count = answers_.count = 0;
    for (const Handover& item : items) {
      ProbeBatch& batch = item.role == scan::Role::actor ? actors_ : answers_;
      batch.add(item.probe, item.packet);
    }
    inspect(actors_, scan::Role::actor);
    inspect(answers_, scan::Role::answer);
    look_inside(actors_, scan::Role::actor);
    look_inside(answers_, scan::Role::answer);
    for (const Handover& item : items) rte_pktmbuf_free(item.packet);  // nullptr: none came along
    escalate();
    return;
  }
  for (std::uint16_t port = 0; port < links_.ports.size(); ++port) {
    for (const Handover& item : items)
      if (item.port == port) burst_.add(item.packet, item.probe);
    is_mute_ = false;
    if (burst_.count == 0) continue;
    inspect(links_.ports[port].role);
    look_inside(links_.ports[port].role);
    escalate();
    forward(links_.ports[port]);
  }
}

// This core's scan table and the detectors: a blocked source ends here.
void Worker::inspect(scan::Role role) noexcept {
  inspector_.inspect(std::span(burst_.probes).first(burst_.count), role, now_, *policy_,
                     std::span(burst_.verdicts).first(burst_.count), outbox_);
}

void Worker::inspect(ProbeBatch& batch, scan::Role role) noexcept {
  if (batch.count == 0) return;
  inspector_.inspect(std::span(batch.probes).first(batch.count), role, now_, *policy_,
                     std::span(batch.verdicts).first(batch.count), outbox_);
}

// Alerts to this core's ring; a full ring is counted, never waited for.
void Worker::escalate() noexcept {
  for (const scan::Alert& alert : outbox_.alerts()) {
    if (links_.alerts.try_push(alert)) continue;
    const bool is_clue = alert.kind == scan::AlertKind::clue;
    (is_clue ? tally_.clues_refused : tally_.alerts_refused).add(1);
    inspector_.offer_again(alert);
  }
  outbox_.clear();
}

// A tap's packets were looked at and counted; nothing is sent.
void Worker::consume() noexcept {
  tally_.dropped_bytes.add(nic::total_bytes(burst_.held()));
  burst_.free_all();
}

Worker::Worker(const WorkerSettings& settings, const scan::InspectorSettings& engine,
               std::span<std::byte> tables, WorkerLinks links)
    : settings_(settings),
      links_(std::move(links)),
      tally_(links_.tally),
      key_(engine.key),
      asked_stance_(links_.stance == nullptr ? no_stance_ : *links_.stance),
      pace_(settings.idle),
      responder_(
          {.key = engine.key, .workers = settings.workers, .ipv6_prefix = settings.ipv6_prefix}),
      inspector_(engine, tables, tally_),
      watch_(links_.watches.empty() ? nullptr : links_.watches[settings.id.value].get()),
      scattered_(std::make_unique<std::uint8_t[]>(kScatteredMax)) {}

void Worker::finish() noexcept {
  links_.policy.join(settings_.id.value);
  now_ = links_.clock.now();
  take_stance(asked_stance_.bits());
  if (settings_.workers > 1)
    while ((settings_.is_tap ? take_over<true>() : take_over<false>()) > 0) continue;
  links_.policy.leave(settings_.id.value);
}

}  // namespace edgesentry::plane
