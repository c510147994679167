// The detectors: pure claims about the evidence against one suspect. None keeps state, reads a
// clock or knows of the others; first_finding() asks them in the order of how sure their evidence
// is.
//
// Sources: PortSentry's SCAN_TRIGGER; nmap's stealth techniques; Threshold Random Walk (Jung,
// Paxson, Berger, Balakrishnan 2004) in CUSUM form as in reverse sequential testing (Schechter,
// Jung, Berger 2004); distinct-port and distinct-host counts as every port-scan detector since
// scanlogd has.
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstdint>
#include <optional>

#include "scan/detection_policy.h"
#include "scan/suspect.h"

namespace edgesentry::scan {

// The contacts of a suspect counted around the one that was touched last: the ports of its target,
// and the targets of its port. Contacts of other classes (TCP, UDP, ...) are left out.
struct Spread {
  std::uint32_t target_bad = 0, target_open = 0, target_good = 0;
  std::uint32_t port_bad = 0, port_open = 0, port_good = 0;
  std::uint32_t bad = 0;       // in all
  std::uint32_t waiting = 0;   // pending in all; calls of a kernel's connect() count half
  std::uint32_t abnormal = 0;  // bad ones with impossible flags, of any class
  std::uint32_t traced = 0;    // echo requests with few hops left
};
[[nodiscard]] Spread spread_around(const Suspect& suspect, const Contact& newest) noexcept;

struct Evidence {
  const Suspect& suspect;
  const Contact& newest;
  Spread spread;
};

template <class D>
concept Detector = requires(const Evidence& evidence, const Thresholds& thresholds) {
  { D::fires(evidence, thresholds) }
  noexcept->std::same_as<bool>;
  { D::kReason } -> std::convertible_to<Reason>;
};

// PortSentry's trap. As PortSentry counts: 0 and 1 react to the first touch, N to the Nth.
struct TrapDetector {
  static constexpr Reason kReason = Reason::watched_port;
  static bool fires(const Evidence& e, const Thresholds& t) noexcept {
    return e.suspect.touches >= std::max<std::uint32_t>(t.scan_trigger, 1);
  }
};

// Probes that no TCP stack sends, on several ports or targets, or of several kinds (as nmap -O
// sends to the few ports that it looks at).
struct FlagDetector {
  static constexpr Reason kReason = Reason::abnormal_flags;
  static bool fires(const Evidence& e, const Thresholds& t) noexcept {
    const int kinds = std::popcount(e.suspect.abnormal_kinds);
    return e.spread.abnormal > 0 &&
           e.spread.abnormal + static_cast<std::uint32_t>(kinds) > t.abnormal;
  }
};

// nmap -sI asks a zombie for its IP identification: a burst of SYN-ACKs to one port of it, from one
// source port after the other (idle_scan.cc sends 6, then one or more for each port of the victim).
// A victim of forged SYNs answers from the port that was called, which is no client's and stays.
struct IdleDetector {
  static constexpr Reason kReason = Reason::abnormal_flags;
  static constexpr std::uint8_t kRun = 4;    // steps: five SYN-ACKs
  static constexpr std::uint16_t kStep = 4;  // of the source port; some may be lost
  static bool fires(const Evidence& e, const Thresholds&) noexcept {
    return e.suspect.idle_run >= kRun && e.newest.technique == Technique::idle;
  }
};

// TRW, see sequential_test.h. The score is never below 0 (CUSUM), so successes cannot be saved up.
//
// A scan fails on one target or on one port; the peers of a peer-to-peer network fail one by one on
// ports of their own. A kernel's connect() to one port of many hosts is also what load balancers
// and monitors do, so there it takes twice the failures, except on the ports that worms sweep.
struct SequentialDetector {
  static constexpr Reason kReason = Reason::failed_attempts;
  static constexpr std::uint32_t kSameTarget = 3;
  static bool fires(const Evidence& e, const Thresholds& t) noexcept {
    if (e.suspect.score < t.sequential.threshold) return false;
    const auto failures = static_cast<std::uint32_t>(t.sequential.straight_failures());
    const bool may_be_a_monitor =
        e.newest.technique == Technique::tcp_connect && !is_prey_of_worms(e.newest.port);
    const std::uint32_t hosts = may_be_a_monitor ? 2 * failures : failures;
    const bool on_one_target =
        e.spread.target_bad >= kSameTarget && e.spread.target_bad > e.spread.target_good;
    const bool on_one_port = e.spread.port_bad >= hosts &&
                             e.spread.port_bad > 2 * e.spread.port_good &&
                             2 * e.spread.port_bad > e.spread.bad;
    return on_one_target || on_one_port;
  }
};

// Most of what the source ever tried came to nothing.
inline bool mostly_fails(const Suspect& suspect) noexcept {
  return suspect.probes > 2 * suspect.successes;
}

// Many distinct ports of one target without an answer, whatever the reason.
struct PortsDetector {
  static constexpr Reason kReason = Reason::many_ports;
  static bool fires(const Evidence& e, const Thresholds& t) noexcept {
    const std::uint32_t unanswered = e.spread.target_bad + e.spread.target_open;
    return unanswered >= t.vertical_ports && unanswered > 2 * e.spread.target_good &&
           mostly_fails(e.suspect);
  }
};

// One port of many distinct targets. Echo requests count whatever the answer: a sweep looks for the
// hosts that do answer. With few hops left, as traceroute's, they count half. Calls that a kernel's
// connect() still waits for count half, because a client that starts up opens many at once.
struct TargetsDetector {
  static constexpr Reason kReason = Reason::many_targets;
  static bool fires(const Evidence& e, const Thresholds& t) noexcept {
    const Spread& s = e.spread;
    if (e.newest.port_class == PortClass::icmp)
      return s.port_bad + s.port_open + s.port_good >= t.horizontal_targets + s.traced / 2;
    const std::uint32_t waiting =
        e.newest.technique == Technique::tcp_connect ? s.port_open / 2 : s.port_open;
    const std::uint32_t unanswered = s.port_bad + waiting;
    return unanswered >= t.horizontal_targets && unanswered > 2 * s.port_good &&
           2 * s.port_bad >= s.bad && mostly_fails(e.suspect);
  }
};

// Nearly everything that the list of contacts holds is unanswered TCP or SCTP: a fast scan over
// many ports and targets in random order, where neither one target nor one port stands out. At the
// rate at which contacts are forgotten before their answer is overdue, silence alone never decides.
struct UnansweredDetector {
  static constexpr Reason kReason = Reason::many_targets;
  static constexpr std::uint32_t kUnanswered = 40;  // of 64
  static bool fires(const Evidence& e, const Thresholds&) noexcept {
    const PortClass c = e.newest.port_class;
    if (c != PortClass::tcp && c != PortClass::sctp) return false;
    return e.spread.bad + e.spread.waiting >= kUnanswered &&
           e.suspect.probes >= 8 * e.suspect.successes;
  }
};

// UDP to a few ports of many targets that stay silent. Peers of a peer-to-peer network have ports
// of their own, or one that most of them share; a scan takes its ports in equal shares.
struct StrobeDetector {
  static constexpr Reason kReason = Reason::many_targets;
  static constexpr std::uint32_t kUnanswered = 40;  // of 64
  static constexpr int kPorts = 14;
  static bool fires(const Evidence& e, const Thresholds&) noexcept {
    return e.newest.port_class == PortClass::udp && e.suspect.contact_count >= kUnanswered &&
           e.suspect.probes >= 8 * e.suspect.successes && is_strobe(e.suspect, e.newest);
  }

 private:
  static bool is_strobe(const Suspect& suspect, const Contact& newest) noexcept;
};

// What looks like answers, but nobody is known to have asked for them, and the targets refuse them:
// as many ports of one target as a scan may leave unanswered, or one port of as many targets. Half
// of what looks so must be refused: kernels ration their refusals (Linux: 1 a second, RFC 1812
// section 4.3.2.8), and so floods of answers to forged requests are mostly silent.
struct Rebuffs {
  static constexpr std::uint32_t kLeast = 10;
  std::uint32_t of_target = 0, of_port = 0;  // of those of the newest; 0 when most pass
};
[[nodiscard]] Rebuffs rebuffs_around(const Suspect& suspect, const Contact& newest) noexcept;

struct RebuffedPortsDetector {
  static constexpr Reason kReason = Reason::many_ports;
  static bool fires(const Evidence& e, const Thresholds& t) noexcept {
    return e.newest.outcome == Outcome::rebuffed && rebuffs_around(e.suspect, e.newest).of_target >=
                                                        std::max(t.vertical_ports, Rebuffs::kLeast);
  }
};

struct RebuffedTargetsDetector {
  static constexpr Reason kReason = Reason::many_targets;
  static bool fires(const Evidence& e, const Thresholds& t) noexcept {
    return e.newest.outcome == Outcome::rebuffed &&
           rebuffs_around(e.suspect, e.newest).of_port >=
               std::max(t.horizontal_targets, Rebuffs::kLeast);
  }
};

template <Detector... Ds>
std::optional<Reason> ask(const Evidence& evidence, const Thresholds& thresholds) noexcept {
  std::optional<Reason> reason;
  (void)((Ds::fires(evidence, thresholds) ? (reason = Ds::kReason, true) : false) || ...);
  return reason;
}

inline std::optional<Reason> first_finding(const Evidence& evidence,
                                           const Thresholds& thresholds) noexcept {
  return ask<IdleDetector, FlagDetector, TrapDetector, SequentialDetector, PortsDetector,
             TargetsDetector, UnansweredDetector, StrobeDetector, RebuffedPortsDetector,
             RebuffedTargetsDetector>(evidence, thresholds);
}

}  // namespace edgesentry::scan
