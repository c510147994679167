// One worker's scan engine: probes in, verdicts and alerts out. Tables, detectors and verdict bits
// of the sources that this worker owns; used by the worker and by replay alike.
//
// Owner: one thread, all calls. All memory is given at construction and never grows. Under a flood
// of invented sources the least suspicious source of a set is replaced first. Never reads a clock,
// never allocates, never fails.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/ip.h"
#include "base/units.h"
#include "scan/alert.h"
#include "scan/detection_policy.h"
#include "scan/order.h"
#include "scan/payload_note.h"
#include "scan/tally.h"
#include "wire/probe.h"

namespace edgesentry::scan {

inline constexpr std::size_t kBurstMax = 64;
// Probes per expect(): as many memory accesses as a core keeps in flight with the work of the
// parser between two such groups. 32 at once took half as long again (perf/README.md).
inline constexpr std::size_t kExpectStep = 16;

// Sources are chosen by attackers: the key is random bytes drawn at start, the same for all workers
// of a process (they must agree on who owns a source).
using HashKey = std::array<std::uint64_t, 4>;

// A place for a service that answered (service_map.h); zeroed ones know nothing.
using ServiceEntry = std::atomic<std::uint64_t>;
inline constexpr std::size_t kServiceEntries = 1u << 14;  // 128 KiB

struct InspectorSettings {
  base::WorkerId worker;
  std::uint32_t sources = 1u << 20;  // tier-1 capacity, rounded up to a power of two; 16 bytes each
  std::uint32_t suspects = 1u << 13;  // tier-2 records; about 2 KiB each
  std::uint32_t slow = 1u << 15;    // of suspects that made room; 64 bytes each, and 2 of an index
  std::uint32_t blocks = 1u << 16;  // sources that can be blocked at once; about 32 bytes each
  std::uint32_t logins = 1u << 12;  // (source, service) with failed logins; 128 bytes each
  HashKey key{};
  bool watches_arp = false;  // the packets show a link: mirror port, host mode, replay
  // kServiceEntries that all workers of a process share; empty: this one knows its own only.
  std::span<ServiceEntry> services{};
};

// Which side of a conversation the packets of a burst show. Inline: by port. Tap, host and replay:
// by roles_of(); a packet may play both roles, and then goes to two owners.
enum class Role : std::uint8_t {
  actor,   // the probe's source is the one under observation (it came from outside)
  answer,  // the probe's target is: this is what a protected host answered, or sent by itself
};

enum class Verdict : std::uint8_t {
  pass,
  drop,    // the source is blocked
  hold,    // unproven, and not to a live service: dropped; an honest sender tries again
  answer,  // as hold, and the appliance answers in the target's place (lib/verify)
};

// Of a verdict that is not `pass`.
[[nodiscard]] constexpr VerdictDrop reason_of(Verdict verdict) noexcept {
  return verdict == Verdict::answer ? VerdictDrop::answered
         : verdict == Verdict::hold ? VerdictDrop::held
                                    : VerdictDrop::blocked;
}

struct Roles {
  bool actor = false;
  bool answer = false;
};
[[nodiscard]] inline Roles roles_of(const DetectionPolicy& policy,
                                    const wire::Probe& probe) noexcept {
  if (policy.inside.empty()) return {.actor = true, .answer = true};
  const bool from_inside = policy.inside.contains(probe.source);
  return {.actor = policy.inside.contains(probe.target), .answer = from_inside};
}

// A keyed hash of the source (IPv6: of its configured prefix) for choosing the owning worker.
[[nodiscard]] std::uint32_t owner_hash(const HashKey& key, const base::Ip& source,
                                       std::uint8_t ipv6_prefix) noexcept;

// Alerts of one burst, waiting to be pushed to the control thread.
class AlertOutbox {
 public:
  [[nodiscard]] std::span<const Alert> alerts() const noexcept { return {alerts_.data(), count_}; }
  void clear() noexcept { count_ = 0; }
  // nullptr when full: the engine then offers the alert again later.
  [[nodiscard]] Alert* claim() noexcept {
    return count_ < alerts_.size() ? &alerts_[count_++] : nullptr;
  }

 private:
  std::array<Alert, kBurstMax> alerts_;
  std::size_t count_ = 0;
};

class Inspector {
 public:
  // The bytes that the constructor wants, for rte_malloc or a vector; alignment is a cache line.
  [[nodiscard]] static std::size_t bytes_needed(const InspectorSettings& settings) noexcept;
  // `memory` is zeroed and outlives the object, as does `tally`.
  Inspector(const InspectorSettings& settings, std::span<std::byte> memory, Tally& tally) noexcept;
  ~Inspector();
  Inspector(const Inspector&) = delete;
  Inspector& operator=(const Inspector&) = delete;

  // Says which probes the next inspect() will look at, so that their lines of the table are on the
  // way while the rest of the burst is parsed. In groups of kExpectStep, in order, from the first
  // on; optional, inspect() does it for what is missing.
  void expect(std::span<const wire::Probe> probes, Role role,
              const DetectionPolicy& policy) noexcept;

  // Looks at up to kBurstMax probes in order. verdicts[i] is for probes[i]: `drop` exactly when the
  // role is actor and its source is blocked as of that very packet. Probes whose outcome is not a
  // packet of interest pass. `now` is the time of the burst. The policy must stay valid for the
  // call.
  void inspect(std::span<const wire::Probe> probes, Role role, base::Micros now,
               const DetectionPolicy& policy, std::span<Verdict> verdicts,
               AlertOutbox& outbox) noexcept;

  // Verdict::answer was given to this probe, and such a reply has gone out.
  void note_reply(const wire::Probe& probe, ReplyKind kind, base::Micros now,
                  const DetectionPolicy& policy) noexcept;

  // Bounded housekeeping, for a few suspects per call: turns silence into failure when it has
  // lasted, ages records. May decide and so fill the outbox. Call it every few milliseconds; true:
  // more was due than one call does.
  bool tick(base::Micros now, const DetectionPolicy& policy, AlertOutbox& outbox) noexcept;

  // What a payload said about a source that this worker owns; may decide and so fill the outbox.
  // Logins count by source and port in a window of their own (thresholds.login_window), exploits
  // by distinct ones; a source that gets in after few failures is forgiven them. True: what the
  // source sends is dropped from this packet on.
  bool note_payload(const PayloadNote& note, base::Micros now, const DetectionPolicy& policy,
                    AlertOutbox& outbox) noexcept;

  void apply(const Order& order, const DetectionPolicy& policy) noexcept;

  // The ring refused this alert: offer it again with the source's next packet or tick.
  void offer_again(const Alert& alert) noexcept;

 private:
  struct State;
  State* state_;  // placed at the front of the given memory
};

}  // namespace edgesentry::scan
