// The operator's commands as one table; the unix socket, the command line, HTTP and telemetry all
// ask the same way, through Mailbox: an object {"command": "block", "address": "192.0.2.1",
// "for": "10m", "reason": "..."} gives {"ok": true, ...} or {"ok": false, "error": "sentence"}.
//
// The table is readable by any thread (help, completion). run_command() belongs to the control
// thread; any JSON value is a valid input, and whatever is wrong with it comes back as an error.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string_view>

namespace edgesentry::control {

struct ControlState;

struct CommandMember {
  std::string_view name;
  std::string_view help;
  bool is_required = false;
};

struct CommandRow {
  std::string_view name;
  std::string_view help;                   // one line
  bool changes;                            // false: read-only
  std::span<const CommandMember> members;  // of the request, beside "command"
  nlohmann::json (*run)(ControlState& state, const nlohmann::json& request);
};

[[nodiscard]] std::span<const CommandRow> command_table() noexcept;

// null: the reply comes later, when a reload is done.
[[nodiscard]] nlohmann::json run_command(ControlState& state, const nlohmann::json& request);

}  // namespace edgesentry::control
