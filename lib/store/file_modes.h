// Who may read a database: who was blocked is nobody's business. Private to store.
#pragma once

#include <sys/types.h>

#include <string>

namespace edgesentry::store {

inline constexpr mode_t kFileMode = 0640;

// Takes from the file, SQLite's log and its index what kFileMode does not give, before they are
// opened. What stands behind a symbolic link is left as it is. A sentence for the operator when
// there was something to take, whether it could be taken or not; else empty.
[[nodiscard]] std::string tighten(const std::string& path);

}  // namespace edgesentry::store
