// The operator's command as an argument vector: read once from the configuration, filled in for
// each block. No shell ever sees it, and the tokens are replaced by our own formatted values only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "report/event.h"

namespace edgesentry::report {

using Arguments = std::vector<std::string>;

// Blanks separate arguments; '...' and "..." keep blanks inside one; a backslash outside of single
// quotes takes the next character as it is. The program is named by its absolute path, because what
// is found along PATH can change. Empty text gives an empty vector.
[[nodiscard]] base::Result<Arguments> parse_command(std::string_view text);

// What differs from one run of the command to the next.
struct CommandValues {
  base::Prefix target;     // the blocked address or prefix
  std::uint16_t port = 0;  // of the deciding packet; 0: there is none
  friend bool operator==(const CommandValues&, const CommandValues&) = default;
};
[[nodiscard]] CommandValues values_of(const Event& event);

// $TARGET$ and $PORT$ become the values, $MODE$ PortSentry 2's word for watching without listening:
// "stealth".
[[nodiscard]] Arguments fill_in(const Arguments& command, const CommandValues& values);

}  // namespace edgesentry::report
