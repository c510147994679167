// Events as PortSentry's syslog lines: `attackalert:` and `adminalert:` for what was done, then the
// `Scan from:` line, in PortSentry 2's order. RFC 3164 as syslog(3) writes it to /dev/log, facility
// daemon, severity notice. Pure.
#pragma once

#include <string>

#include "report/event.h"

namespace edgesentry::report {

// One line per message, each ending in a newline; empty when syslog is not told.
[[nodiscard]] std::string syslog_lines(const Event& event);

// The same with `<29>Nov 22 06:54:30 edgesentry[PID]: ` in front of each line.
[[nodiscard]] std::string syslog_record(const Event& event, int pid);

// A line for what a coalesced event stands for besides itself; empty when it stands for itself
// only.
[[nodiscard]] std::string more_like_this(const Event& event);

}  // namespace edgesentry::report
