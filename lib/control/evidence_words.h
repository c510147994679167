// The evidence of one alert in sentences: what was tried, what came of it, whether the address is
// proven, how bad it is. For `explain`. Pure; any thread.
#pragma once

#include <string>

#include "scan/alert.h"

namespace edgesentry::control {

// "It tried ports 21-23,80 and 12 more of 10.0.0.1; 5 of 16 probes were refused or unanswered, ..."
[[nodiscard]] std::string attempts_sentence(const scan::Alert& alert);

// Whether anybody else can have sent these packets.
[[nodiscard]] std::string proof_sentence(const scan::Alert& alert);

// How sure that it is a scan, and how bad.
[[nodiscard]] std::string severity_sentence(const scan::Alert& alert);

}  // namespace edgesentry::control
