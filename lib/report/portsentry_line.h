// PortSentry 2.x history lines, byte for byte (checked against 2.0.7; its fail2ban filter reads
// them):
//   2026-11-22T06:54:30.239+0000 Scan from: [10.9.0.2] (10.9.0.2) protocol: [TCP] port: [11]
//   type: [TCP SYN/Normal scan] IP opts: [not set] ignored: [false] triggered: [true]
//   noblock: [false] blocked: [true]                                            (all in one line)
//
// An event about a source that PortSentry would have dealt with gives one line; the others none:
//   source_blocked                   false true  false true    (false when the block failed)
//                                    where nobody enforces it: as would_block
//   would_block                      false true  true  false
//   port_touched                     false false unset unset
//   scan_detected, only where no block follows: on the allow list   true  unset unset unset
//                                    already blocked                false true  false true
//                                    the block failed               false true  false false
//   scan_grew                        as already blocked when its packets are dropped, else as
//   would_block
// What PortSentry cannot see has a type of its own; docs/logs.md lists them.
#pragma once

#include <string>

#include "report/event.h"

namespace edgesentry::report {

// From "Scan from:" to the end, as PortSentry writes it to syslog; empty when there is none.
[[nodiscard]] std::string scan_from_text(const Event& event);

// With the timestamp in front, without a newline; empty when there is none.
[[nodiscard]] std::string portsentry_line(const Event& event);

}  // namespace edgesentry::report
