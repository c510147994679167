// One child process with a deadline, for commands of the operator. Blocks the calling thread until
// the child has ended: for responders only.
#pragma once

#include <chrono>

#include "base/result.h"
#include "report/command.h"

namespace edgesentry::report {

enum class ChildEnd { succeeded, failed, timed_out, abandoned };

// Runs the command with an environment of PATH and LANG only, with /dev/null for input and output,
// without any of our file descriptors or signal settings, in a process group of its own. Past the
// deadline, or when `give_up_fd` becomes readable, the whole group is killed.
// An error says why the program could not be started.
[[nodiscard]] base::Result<ChildEnd> run_child(const Arguments& arguments,
                                               std::chrono::milliseconds deadline, int give_up_fd);

}  // namespace edgesentry::report
