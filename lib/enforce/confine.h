// What a filter program gives up before it reads its first request: all files but those named, TCP,
// and the system calls that guard/calls.h refuses. Instrumented programs are left alone, and so is
// a kernel without Landlock, of which the daemon tells.
//
// Once, while there is one thread. What was opened before stays usable.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "guard/calls.h"

namespace edgesentry::enforce {

struct Confinement {
  std::string seccomp = "refuse";  // "log", "off"
  std::string landlock = "on";     // "off"
  guard::CallRules calls;
  std::vector<std::string> readable;
};

[[nodiscard]] base::Status confine(Confinement wanted);

}  // namespace edgesentry::enforce
