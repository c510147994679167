// What crosses between the daemon and the process that runs its command (app/edgesentry-run): one
// packet of fixed size each way, numbers only in the one that asks. The program and its arguments
// were given to that process at its start, so that nothing the daemon says can change them.
//
// decode_request() takes bytes from a daemon that may be in an attacker's hands: anything but a
// well-formed prefix and a port is refused. Pure; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "report/command.h"

namespace edgesentry::report {

inline constexpr std::size_t kCommandRequestBytes = 32;
inline constexpr std::size_t kCommandTextMax = 512;
inline constexpr std::size_t kCommandReplyMax = 16 + kCommandTextMax;

struct CommandRequest {
  std::uint64_t id = 0;
  CommandValues values;
};

enum class CommandNews : std::uint8_t {
  born,   // a process begins to listen; what an earlier one was doing is lost
  taken,  // of the request with this number, as all below
  succeeded,
  failed,
  timed_out,
  abandoned,
  not_started,  // the text says why
};
inline constexpr std::uint8_t kCommandNewsLast = 6;

struct CommandReply {
  std::uint64_t id = 0;
  CommandNews news = CommandNews::born;
  std::string text;
};

[[nodiscard]] std::array<std::byte, kCommandRequestBytes> encode(const CommandRequest& request);
[[nodiscard]] std::vector<std::byte> encode(const CommandReply& reply);
[[nodiscard]] std::optional<CommandRequest> decode_request(std::span<const std::byte> frame);
[[nodiscard]] std::optional<CommandReply> decode_reply(std::span<const std::byte> frame);

}  // namespace edgesentry::report
