// Broken invariants end the process with the reason; hostile input and a bad environment never do.
//
// EDGESENTRY_CHECK stays in release builds; EDGESENTRY_DCHECK is for conditions met per packet and
// is compiled out there. Anything a peer or an operator can cause is never a check: it is a counted
// outcome or a Result.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace edgesentry::base {

[[noreturn]] inline void check_failed(const char* condition, const char* reason, const char* file,
                                      int line) noexcept {
  std::fprintf(stderr, "edgesentry: broken invariant at %s:%d: %s (%s)\n", file, line, condition,
               reason);
  std::abort();
}

}  // namespace edgesentry::base

#define EDGESENTRY_CHECK(condition, reason)                                       \
  do {                                                                            \
    if (!(condition)) [[unlikely]]                                                \
      ::edgesentry::base::check_failed(#condition, (reason), __FILE__, __LINE__); \
  } while (false)

#ifdef NDEBUG
#define EDGESENTRY_DCHECK(condition, reason) \
  do {                                       \
    (void)sizeof(condition);                 \
  } while (false)
#else
#define EDGESENTRY_DCHECK(condition, reason) EDGESENTRY_CHECK(condition, reason)
#endif
