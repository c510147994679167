// What a thread may do, and giving it up: user, groups, capabilities, Landlock, and the way back by
// set-user-ID programs. Linux keeps all of these for each thread, so a process that has threads
// already (DPDK starts some) gives them up on every one of them.
//
// Called by main, once. An error means that some threads may have given up and others not: the
// process must end.
#pragma once

#include <optional>

#include "base/result.h"
#include "guard/account.h"
#include "guard/capabilities.h"

namespace edgesentry::guard {

struct Rights {
  std::optional<Account> become;         // absent: the user stays
  std::optional<Capabilities> keep;      // absent: capabilities stay
  bool hands_down_capabilities = false;  // programs that are started get what is kept
  bool can_regain = false;               // true: set-user-ID programs still work
  int landlock = -1;                     // of Landlock::make(); -1: none
};

// On this thread, and on those that it starts from now on.
[[nodiscard]] base::Status give_up_here(const Rights& rights);

// On every thread of this process, by a signal to each. Threads that are in a system call come back
// from it with EINTR, as from any signal.
[[nodiscard]] base::Status give_up_everywhere(const Rights& rights);

// No core dumps, and no other process of this user may look into this one.
[[nodiscard]] base::Status forbid_core_dumps();

}  // namespace edgesentry::guard
