// The three ways in which the logs write a moment. Pure; local time is the process's TZ.
#pragma once

#include <string>

#include "report/event.h"

namespace edgesentry::report {

// ECS and ISO 8601 in UTC: "2026-11-22T06:54:30.239123Z".
[[nodiscard]] std::string utc_timestamp(WallTime time);

// PortSentry 2.x, local time with its offset: "2026-11-22T06:54:30.239+0000".
[[nodiscard]] std::string history_timestamp(WallTime time);

// RFC 3164 section 4.1.2, local time, the day padded by a blank: "Nov  2 06:54:30".
[[nodiscard]] std::string syslog_timestamp(WallTime time);

}  // namespace edgesentry::report
