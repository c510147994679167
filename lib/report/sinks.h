// The sinks that the configuration asks for. None of them needs its file or daemon to be there yet:
// a sink that cannot write is degraded, says so in the metrics and keeps trying.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "report/sink.h"

namespace edgesentry::report {

[[nodiscard]] std::vector<std::unique_ptr<Sink>> make_sinks(const config::Log& log,
                                                            const std::string& syslog_path);

}  // namespace edgesentry::report
