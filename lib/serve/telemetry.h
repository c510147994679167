// The read-only commands on DPDK's telemetry socket, for whoever already asks there
// (dpdk-telemetry.py, Telegraf): /edgesentry/status, /edgesentry/blocked,10, ...
//
// DPDK runs them on threads of its own, one for each client; they ask the control thread as
// everybody does. What it can carry is little: objects are flattened, with names such as
// "packets/received"; lists become lines of at most 127 bytes; 256 members or 512 lines at most.
// All of it is on the control socket.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace edgesentry::serve {

struct TelemetryCommand {
  std::string name;    // of the command: "explain"
  std::string help;    // one line
  std::string member;  // of the request, which the word after the comma gives; empty: none
  std::string list;    // of the reply, which is what is asked for; empty: all of the reply
};
[[nodiscard]] const std::vector<TelemetryCommand>& telemetry_commands();

using TelemetryValue = std::variant<std::uint64_t, std::string>;
using TelemetryDict = std::vector<std::pair<std::string, TelemetryValue>>;
// Pure; what has no place is left out, and text is cut.
[[nodiscard]] TelemetryDict telemetry_dict(const nlohmann::json& object);
[[nodiscard]] std::vector<std::string> telemetry_lines(const nlohmann::json& list);

// From its making until it ends; at most one at a time. After EAL's start, which makes the socket.
class Telemetry {
 public:
  using Handler = std::function<nlohmann::json(const nlohmann::json& request)>;  // many threads

  static base::Result<Telemetry> offer(Handler handler);
  Telemetry() = default;
  Telemetry(Telemetry&& other) noexcept : is_on_(std::exchange(other.is_on_, false)) {}
  Telemetry& operator=(Telemetry&& other) noexcept;
  ~Telemetry();

 private:
  bool is_on_ = false;
};

}  // namespace edgesentry::serve
