#include "enforce/confine.h"

#include <utility>

#include "guard/landlock.h"
#include "guard/rights.h"

namespace edgesentry::enforce {

base::Status confine(Confinement wanted) {
  if (guard::is_instrumented()) return {};
  if (wanted.landlock != "off" && guard::landlock_abi() > 0) {
    auto made = guard::Landlock::make(
        {.readable = std::move(wanted.readable), .writable = {}, .listened_ports = {}});
    if (!made) return made.error();
    const guard::Rights rights{.landlock = made.value().fd()};
    if (base::Status given = guard::give_up_here(rights); !given) return given;
  }
  if (wanted.seccomp == "off") return {};
  if (wanted.seccomp == "log") wanted.calls.filter = guard::CallFilter::log;
  return guard::filter_calls(wanted.calls);
}

}  // namespace edgesentry::enforce
