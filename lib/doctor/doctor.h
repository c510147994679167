// `edgesentry doctor`: is this machine fit for this configuration, and what would make it fitter.
//
// Any thread; changes nothing. Each check stands for itself: what cannot be read is unknown and the
// rest goes on.
#pragma once

#include "doctor/finding.h"
#include "doctor/patient.h"

namespace edgesentry::doctor {

// The patient has been look()ed at.
[[nodiscard]] Findings examine(const Patient& patient);
[[nodiscard]] Status worst(const Findings& findings) noexcept;

}  // namespace edgesentry::doctor
