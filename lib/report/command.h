// The operator's command as an argument vector: read once from the configuration, filled in for
// each block. No shell ever sees it, and the tokens are replaced by our own formatted values only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "report/event.h"

namespace edgesentry::report {

using Arguments = std::vector<std::string>;

// Blanks separate arguments; '...' and "..." keep blanks inside one; a backslash outside of single
// quotes takes the next character as it is. The program is named by its absolute path, because what
// is found along PATH can change. Empty text gives an empty vector.
[[nodiscard]] base::Result<Arguments> parse_command(std::string_view text);

// $TARGET$ becomes the blocked address or prefix, $PORT$ the port of the deciding packet ("0" when
// there is none), $MODE$ PortSentry 2's word for watching without listening: "stealth".
[[nodiscard]] Arguments fill_in(const Arguments& command, const Event& event);

}  // namespace edgesentry::report
