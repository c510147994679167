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
#include <concepts>
#include <cstdint>
#include <optional>

#include "scan/detection_policy.h"
#include "scan/suspect.h"

namespace edgesentry::scan {

// The contacts of a suspect counted around the one that was touched last: the ports of its target,
// and the targets of its port.
struct Spread {
  std::uint32_t target_bad = 0, target_open = 0, target_good = 0;
  std::uint32_t port_bad = 0, port_open = 0, port_good = 0;
  std::uint32_t abnormal = 0;
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

// Probes that no TCP stack sends, on several ports or targets.
struct FlagDetector {
  static constexpr Reason kReason = Reason::abnormal_flags;
  static bool fires(const Evidence& e, const Thresholds& t) noexcept {
    return e.spread.abnormal >= t.abnormal;
  }
};

// TRW with equal steps: theta0 = 0.8 and theta1 = 0.2 give ln 4 per outcome, so `failures` steps
// are a likelihood ratio of 4^failures; 5 is a false-positive probability of 1e-3 per test. Never
// below 0 (CUSUM), so successes cannot be saved up. Peers of a peer-to-peer network fail one by one
// on ports of their own; a scan fails on one target or on one port.
struct SequentialDetector {
  static constexpr Reason kReason = Reason::failed_attempts;
  static constexpr std::uint32_t kSameTarget = 3;
  static bool fires(const Evidence& e, const Thresholds& t) noexcept {
    if (e.suspect.score < static_cast<std::int32_t>(t.failures)) return false;
    const bool on_one_target =
        e.spread.target_bad >= kSameTarget && e.spread.target_bad > e.spread.target_good;
    const bool on_one_port =
        e.spread.port_bad >= t.failures && e.spread.port_bad > 2 * e.spread.port_good;
    return on_one_target || on_one_port;
  }
};

// Many distinct ports of one target without an answer, whatever the reason.
struct PortsDetector {
  static constexpr Reason kReason = Reason::many_ports;
  static bool fires(const Evidence& e, const Thresholds& t) noexcept {
    return e.spread.target_bad + e.spread.target_open >= t.vertical_ports &&
           e.spread.target_bad + e.spread.target_open > 2 * e.spread.target_good;
  }
};

// One port of many distinct targets.
struct TargetsDetector {
  static constexpr Reason kReason = Reason::many_targets;
  static bool fires(const Evidence& e, const Thresholds& t) noexcept {
    return e.spread.port_bad + e.spread.port_open >= t.horizontal_targets &&
           e.spread.port_bad + e.spread.port_open > 2 * e.spread.port_good;
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
  return ask<FlagDetector, TrapDetector, SequentialDetector, PortsDetector, TargetsDetector>(
      evidence, thresholds);
}

}  // namespace edgesentry::scan
