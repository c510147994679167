// What a worker tells the control thread about a source: the evidence at the moment of deciding,
// and again each time the scan has grown tenfold. A plain value of fixed size; it crosses a ring.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "base/ip.h"
#include "base/units.h"
#include "scan/names.h"
#include "scan/probe_marks.h"
#include "scan/tool.h"

namespace edgesentry::scan {

inline constexpr std::size_t kAlertPorts = 24;   // distinct target ports kept, oldest first
inline constexpr std::size_t kAlertTargets = 4;  // distinct targets kept, oldest first

enum class AlertKind : std::uint8_t {
  decision,  // a detector fired: the source is a scanner as of this packet
  growth,    // the same scan, ten times larger than at the last report
  touch,     // one watched port was touched, below the trigger (PortSentry's `triggered: [false]`)
  clue,      // one failed contact of a source with few: alone it means nothing, see policy/crowd.h
  proof,     // decided before, and since then the source answered a SYN-ACK: `proven`, `answers`
};

struct Alert {
  base::Ip source;                               // an IPv6 source is its whole address here
  std::array<base::Ip, kAlertTargets> targets;   // the first ones; target_count counts all
  std::array<std::uint16_t, kAlertPorts> ports;  // the first ones; port_count counts all
  std::uint32_t port_count = 0;                  // distinct target ports (estimate past 128)
  std::uint32_t target_count = 0;                // distinct targets
  std::uint32_t source_count = 1;                // more than one: of a distributed scan as a whole
  std::uint32_t probes = 0;                      // packets counted as probes, retransmissions once
  std::uint32_t failures = 0;                    // refused, unreachable or unanswered
  std::uint32_t successes = 0;                   // completed conversations
  std::uint32_t abnormal = 0;                    // probes with flags that no stack sends
  base::Micros first_seen;
  base::Micros last_seen;  // the deciding packet
  base::WorkerId worker;
  std::uint16_t last_port = 0;  // of the deciding packet
  base::Ip last_target;
  std::uint8_t protocol = 0;  // IP protocol of the deciding packet
  AlertKind kind = AlertKind::decision;
  Technique technique = Technique::tcp_syn;
  Shape shape = Shape::vertical;
  Severity severity = Severity::medium;
  std::uint8_t confidence = 0;  // percent that this is a scan at all, see severity.h
  Reason reason = Reason::failed_attempts;
  std::uint8_t prefix_length = 128;  // how much of an IPv6 source is one source (as configured)
  std::uint8_t tcp_flags = 0;        // of the deciding packet
  bool dropping = false;             // the worker drops this source from now on
  bool allowed = false;              // on the allow list or never-ban set: reported, never dropped
  bool proven = false;               // the source completed a handshake with a protected server
  bool ip_options = false;
  ToolName tool;
  bool answers = false;    // it reset a SYN-ACK with the right number, see proof.h
  bool contained = false;  // the worker lets it reach live services only, until it proves itself
  ProbeMarks::List probes_by_hash{};  // some of its probes, to be compared with other sources'
};
static_assert(std::is_trivially_copyable_v<Alert>);
static_assert(sizeof(Alert) % 8 == 0, "rings move words");

}  // namespace edgesentry::scan
