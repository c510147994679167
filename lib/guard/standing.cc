#include "guard/standing.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace edgesentry::guard {

Standing standing_now(const Done& done) {
  const uid_t user = ::geteuid();
  const std::string number = std::to_string(user);
  // 2 is SECCOMP_MODE_FILTER; asking is refused only by a filter.
  const bool is_filtered = ::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 0;
  return {.user = done.user.empty() || done.user == number
                      ? (user == 0 ? "root (0)" : number)
                      : fmt::format("{} ({})", done.user, number),
          .capabilities = effective_capabilities(),
          .has_no_new_privileges = ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1,
          .seccomp = is_filtered ? done.seccomp : "off",
          .landlock_abi = done.landlock_abi};
}

}  // namespace edgesentry::guard
