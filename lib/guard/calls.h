// The system calls that the daemon may make from some moment on (seccomp(2)), on every thread.
//
// Three answers. What it needs (measured, docs/security.md) is allowed, with arguments checked
// where they decide: no new process, no executable memory, no packet sockets. What only an intruder
// would try (execve, ptrace, mount, setuid, bpf, ...) kills the process. Anything else fails with
// EPERM, because a library that learned a new call must not take an appliance in the wire down. The
// kernel logs each refusal with the number of the call.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace edgesentry::guard {

enum class CallFilter {
  refuse,  // as above
  log      // everything is allowed, and what would have been refused is logged
};

struct CallRules {
  CallFilter filter = CallFilter::refuse;
  bool has_bpf = false;          // for drops by XDP, and net_af_xdp
  bool has_netfilter = false;    // to talk to nf_tables
  bool may_limit_files = false;  // for trying out a full disk
};

// All threads, at once; cannot be undone. Sets no_new_privs.
[[nodiscard]] base::Status filter_calls(const CallRules& rules);

// Sanitizers fork, trace and map as they like; instrumented programs are left alone.
[[nodiscard]] constexpr bool is_instrumented() noexcept {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
  return true;
#else
  return false;
#endif
#else
  return false;
#endif
}

}  // namespace edgesentry::guard
