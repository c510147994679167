// The inside of scan::Inspector, shared by its .cc files. Private to scan.
//
// Tier 1 decides what most packets need; a packet that is news about its source goes on to tier 2
// (record_*), where its outcome changes the evidence, and evaluate() asks the detectors.
#pragma once

#include "scan/answer.h"
#include "scan/arp_watch.h"
#include "scan/clue_budget.h"
#include "scan/cookie.h"
#include "scan/detectors.h"
#include "scan/drop_set.h"
#include "scan/due_slots.h"
#include "scan/fragment_watch.h"
#include "scan/ground.h"
#include "scan/held_attempts.h"
#include "scan/inspect.h"
#include "scan/logins.h"
#include "scan/looks.h"
#include "scan/posture.h"
#include "scan/service_map.h"
#include "scan/sighting.h"
#include "scan/slow_tier.h"
#include "scan/suspect_pool.h"

namespace edgesentry::scan {

// What stays the same for a whole burst.
struct Moment {
  base::Micros now;
  std::uint16_t coarse_now;
  const DetectionPolicy& policy;
  AlertOutbox& outbox;
};

// One packet of a suspect.
struct Attempt {
  const wire::Probe& probe;
  Touch touch;
  bool is_new;  // it made a contact
};

struct Place {
  std::uint32_t set;
  int way;
};

struct Inspector::State {
  State(const InspectorSettings& s, Tally& t) noexcept
      : settings(s), tally(t), cookies(cookie_key(s.key)) {}

  InspectorSettings settings;
  Tally& tally;
  std::span<SightingSet> sets;
  unsigned shift = 32;  // home >> shift is the set
  SuspectPool suspects;
  DueSlots dues;  // of the suspects
  SlowTier slow;  // what is left of former suspects
  DropSet drops;
  ServiceMap services;
  ArpWatch arp;
  FragmentWatch fragments;
  ClueBudget clues;
  LoginTable logins;
  CookieKey cookies;
  HeldAttempts held;
  std::uint64_t blocks_made = 0;
  Looks looks;  // of the probes that expect() was told of
  std::size_t expected = 0;
  LookAt look_at = look_at_best();

  [[nodiscard]] SightingSet& set_at(std::uint32_t place) const noexcept {
    auto* const bytes = reinterpret_cast<std::byte*>(sets.data());
    return *reinterpret_cast<SightingSet*>(bytes + std::size_t{place} * 8);
  }

  // --- tier 1, inspect_act.cc and inspect_hear.cc ---------------------------------------------
  Verdict act(const wire::Probe& probe, const Look& look, const Moment& moment) noexcept;
  void greet(const wire::Probe& probe, const Touch& touch, Place place,
             const Moment& moment) noexcept;
  Verdict verdict_of_unknown(const wire::Probe& probe, const SourceKey& key,
                             const Moment& moment) noexcept;
  void hear(const wire::Probe& probe, const SourceKey& key, const Moment& moment) noexcept;
  void meet_by_answer(const wire::Probe& probe, const Answer& answer, const SourceKey& key,
                      const Moment& moment) noexcept;
  Verdict verdict_of_blocked(const wire::Probe& probe, const SourceKey& key, Place place,
                             const Moment& moment) noexcept;

  // --- places in both tiers, inspect_places.cc ------------------------------------------------
  int admit(const base::Ip& source, const SourceKey& key, const Moment& moment) noexcept;
  Suspect* promote(const base::Ip& source, Place place, std::uint8_t rank,
                   const Moment& moment) noexcept;
  void look_ahead(const DetectionPolicy& policy) const noexcept;
  void release(std::uint16_t slot) noexcept;
  // As release(), for a suspect that makes room: what is held against it goes to the slow tier.
  void set_aside(std::uint16_t slot, const Moment& moment) noexcept;
  [[nodiscard]] bool was_suspect(const base::Ip& source, Place place,
                                 const DetectionPolicy& policy) const noexcept {
    return slow.may_know(sets[place.set].tag[place.way]) &&
           slow.knows(source_key(settings.key, source, policy.ipv6_prefix));
  }
  void settle_rank(const Suspect& suspect, const DetectionPolicy& policy) noexcept;
  void block(const base::Ip& source, Place place, const DetectionPolicy& policy) noexcept;

  // --- tier 2, inspect_suspect.cc -------------------------------------------------------------
  void record_touch(Suspect& suspect, const wire::Probe& probe, const Touch& touch,
                    const Moment& moment) noexcept;
  void touch_again(Suspect& suspect, Contact& contact, const Attempt& attempt,
                   const Moment& moment) noexcept;
  void record_answer(Suspect& suspect, const wire::Probe& probe, const Answer& answer,
                     const Moment& moment) noexcept;
  void age(Suspect& suspect, const Moment& moment) noexcept;
  [[nodiscard]] static base::Micros due_of(const Suspect& suspect, const Moment& moment) noexcept;
  void settle(Suspect& suspect, Contact& contact, Outcome outcome, const Moment& moment) noexcept;
  void evaluate(Suspect& suspect, const Contact& contact, const Moment& moment) noexcept;

  // --- what may be an answer, inspect_excuse.cc -------------------------------------------------
  void pass_over(Suspect& suspect, const wire::Probe& probe, const Touch& touch,
                 const Moment& moment) noexcept;
  void rebuff(Suspect& suspect, Contact& contact, const wire::Probe& refusal,
              const Moment& moment) noexcept;

  // --- clues about crowds, inspect_clue.cc ------------------------------------------------------
  [[nodiscard]] Alert* claim_clue(std::size_t room, const Moment& moment) noexcept;
  void send_clue(const Suspect& suspect, const Contact& contact, const Moment& moment) noexcept;
  void send_login_clue(const PayloadNote& note, const Moment& moment) noexcept;

  // --- what unproven sources may do, inspect_restrain.cc --------------------------------------
  Verdict restrain(Suspect& suspect, const Attempt& attempt, const Moment& moment) noexcept;
  [[nodiscard]] bool may_reach(const Suspect& suspect, const Attempt& attempt,
                               const DetectionPolicy& policy) const noexcept;
  [[nodiscard]] bool may_try(Suspect& suspect, const Attempt& attempt,
                             const Moment& moment) noexcept;
  void contain(Place place) noexcept;

  // --- proof of source, inspect_proof.cc ------------------------------------------------------
  // True: it is for the appliance, and nobody else knows what it is about.
  bool watch_reaction(Suspect& suspect, const wire::Probe& probe, const Moment& moment) noexcept;
  bool heed_question(Suspect& suspect, const wire::Probe& probe, const Moment& moment) noexcept;
  void heed_server(Suspect& suspect, const wire::Probe& probe) noexcept;

  // --- payloads, inspect_payload.cc -----------------------------------------------------------
  void take_name(const PayloadNote& note, const SourceKey& key) noexcept;
  bool accuse(const PayloadNote& note, const SourceKey& key, std::uint32_t count,
              const Moment& moment) noexcept;

  // --- alerts, inspect_alert.cc ---------------------------------------------------------------
  void decide(Suspect& suspect, Reason reason, const Contact& contact,
              const Moment& moment) noexcept;
  void emit(Suspect& suspect, AlertKind kind, const Contact& contact,
            const Moment& moment) noexcept;
  void report(const ArpSender& sender, const Moment& moment) noexcept;
};

// A packet that more likely answers than asks: of a service, or of a host that was called first.
inline bool is_excused(const wire::Probe& probe, const Touch& touch, std::uint8_t flags) noexcept {
  const bool posture = has_answering_posture(probe, touch.technique);
  const bool serves = (flags & sighting_flag::kServes) != 0;
  if (touch.kind == TouchKind::weak) return posture || serves;
  if (touch.port_class == PortClass::tcp)
    return (flags & sighting_flag::kServesFiles) && is_fetched_file(probe, touch);
  return touch.port_class == PortClass::udp &&
         (posture || (serves && probe.source_port < kEphemeral));
}

// What is known of whom a protected host calls.
inline std::uint8_t called(const Answer& call) noexcept {
  const bool is_ftp = call.port_class == PortClass::tcp && call.peer_port == kFtp;
  return sighting_flag::kServes | (is_ftp ? sighting_flag::kServesFiles : std::uint8_t{0});
}

inline bool is_refused_file(const Answer& answer, std::uint8_t flags) noexcept {
  return (flags & sighting_flag::kServesFiles) && answer.port_class == PortClass::tcp &&
         answer.peer_port == kFtpData && answer.port >= 1024;
}

// One step of a UDP traceroute. Its echo requests are one contact for each target, as others are.
inline bool is_walking(const wire::Probe& probe) noexcept {
  return probe.outcome == wire::ParseOutcome::udp && is_traceroute(probe);
}

// Excused by nothing but its posture: no protected host is known to have called its source.
inline bool is_doubtful(const wire::Probe& probe, const Touch& touch, std::uint8_t flags) noexcept {
  return !(flags & sighting_flag::kServes) && may_be_a_probe(probe, touch);
}

inline bool is_unspoken_protocol(const Answer& answer) noexcept {
  return answer.kind == AnswerKind::refuse && answer.port_class == PortClass::protocol;
}

// A contained source that has tried nothing more for so long is as any other again.
inline constexpr base::Micros kContainedFor = base::seconds(600);

inline bool restrains(const DetectionPolicy& policy) noexcept {
  return policy.enforce && (policy.holds_bursts || policy.verification.needed != Proof::none ||
                            policy.verification.mode == Verify::challenge);
}

// One bit for each TCP technique, and one for all others: what answers those has ports of its own.
inline std::uint32_t proof_bit(Technique t) noexcept {
  const auto number = static_cast<unsigned>(t);
  const bool is_tcp = t <= Technique::tcp_other || t == Technique::idle;
  return 1u << (is_tcp ? number : 31);
}

// What a suspect has shown of the scan that is held against it. Where the appliance asks, a
// connection of its own shows nothing about somebody else's FINs in its name.
struct Shown {
  bool answers = false, proven = false;
};
inline Shown shown_by(const Suspect& suspect, const DetectionPolicy& policy) noexcept {
  if (policy.verification.mode != Verify::challenge) return {suspect.answers, suspect.proven};
  const std::uint32_t bit = proof_bit(suspect.technique);
  return {(suspect.answers_as & bit) != 0, (suspect.proven_as & bit) != 0};
}

inline bool is_proven_enough(const Suspect& suspect, const DetectionPolicy& policy) noexcept {
  const Shown shown = shown_by(suspect, policy);
  return is_enough(policy.verification.needed, shown.answers, shown.proven);
}

// A touch of what the appliance plays itself: a deception port, or an address where nobody lives.
inline bool is_lured(const wire::Probe& probe, const Touch& touch,
                     const DetectionPolicy& policy) noexcept {
  if (policy.verification.mode != Verify::challenge || !policy.enforce) return false;
  return (touch.port_class == PortClass::tcp &&
          policy.verification.deception_tcp.contains(touch.port)) ||
         policy.dark.contains(probe.target);
}

// A contact in 32 bits, never 0.
inline std::uint32_t fingerprint(const HashKey& key, std::uint32_t target, std::uint16_t port,
                                 PortClass port_class) noexcept {
  std::uint32_t x = target * (static_cast<std::uint32_t>(key[0] >> 32) | 1);
  x ^= (std::uint32_t{port} << 8 | static_cast<std::uint32_t>(port_class)) * 0x9e3779b1u;
  x ^= x >> 15;
  x *= static_cast<std::uint32_t>(key[1] >> 32) | 1;
  return x | 1;
}

inline std::uint16_t sketch_bit(std::uint32_t contact) noexcept {
  return static_cast<std::uint16_t>(1u << (contact >> 28));
}

}  // namespace edgesentry::scan
