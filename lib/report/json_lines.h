// One event as one line of JSON with the field names of the Elastic Common Schema 8.11 (nested
// objects), our own evidence under `edgesentry`. The same line in log.json_file and in
// `edgesentry replay --json`; docs/logs.md describes the fields.
//
// Pure. The line is valid JSON for any text: what is not UTF-8 becomes U+FFFD.
#pragma once

#include <string>
#include <string_view>

#include "report/event.h"

namespace edgesentry::report {

// event.action, for example "source-blocked".
[[nodiscard]] std::string_view action_name(Action action) noexcept;
// The same, told apart by what enforces a block and by the appliance's start and stop.
[[nodiscard]] std::string_view action_name(const Event& event) noexcept;

// Without a newline at the end, and with none inside. `file`: the capture it was found in
// (log.file.path); empty where packets are live.
[[nodiscard]] std::string to_json_line(const Event& event, std::string_view file = {});

}  // namespace edgesentry::report
