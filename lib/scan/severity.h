// How bad a detection is, and how sure. Pure functions of an alert; the tables stand in
// docs/detection.md. A worker knows no history and says 0 offences; policy/decide.cc says it again
// with what the ledger knows.
#pragma once

#include <cstdint>

#include "scan/alert.h"
#include "scan/sequential_test.h"

namespace edgesentry::scan {

// `offences`: blocks of the source before this alert.
[[nodiscard]] Severity severity_of(const Alert& alert, std::uint32_t offences) noexcept;

// That this is a scan (or brute force) at all, in percent, never 100. Who sent it is another
// question: see `proven`. `score` is of the sequential test, and counts where that test decided.
[[nodiscard]] std::uint8_t confidence_of(const Alert& alert, std::int32_t score) noexcept;

}  // namespace edgesentry::scan
