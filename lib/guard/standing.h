// What this process may still do, for people: status and metrics. Measured, as the kernel tells it
// of the calling thread; what the kernel does not tell is what main has done.
#pragma once

#include <string>

#include "guard/capabilities.h"

namespace edgesentry::guard {

struct Done {                   // by main, at the start
  std::string user;             // as configured; empty: nobody else
  std::string seccomp = "off";  // "refuse", "log", "off"
  int landlock_abi = 0;         // 0: files are closed by their permissions only
};

struct Standing {
  std::string user;  // "nobody (65534)"
  Capabilities capabilities;
  bool has_no_new_privileges = false;
  std::string seccomp;  // "off" when the kernel says that there is none
  int landlock_abi = 0;
};

[[nodiscard]] Standing standing_now(const Done& done);

}  // namespace edgesentry::guard
