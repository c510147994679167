#include "daemon_commands.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cstdio>

#include "control_client.h"
#include "reply_view.h"
#include "text_table.h"

namespace edgesentry::cli {
namespace {

nlohmann::json request_of(const DaemonArguments& arguments) {
  nlohmann::json request = {{"command", arguments.command}};
  if (!arguments.address.empty()) request["address"] = arguments.address;
  if (!arguments.duration.empty()) request["for"] = arguments.duration;
  if (!arguments.reason.empty()) request["reason"] = arguments.reason;
  if (arguments.count > 0) request["count"] = arguments.count;
  return request;
}

int fail(const std::string& sentence) {
  fmt::print(stderr, "{} {}\n", coloured("edgesentry:", Colour::red, wants_colour(STDERR_FILENO)),
             printable(sentence));
  return 1;
}

// One question and its answer on stdout, with `before` in front of it.
int ask_once(const DaemonArguments& arguments, const char* before) {
  const ControlClient client(arguments.socket);
  const auto reply = client.ask_raw(request_of(arguments));
  if (!reply) return fail(reply.error().text);
  const auto object = ControlClient::understand(reply.value());
  if (arguments.json) {
    fmt::print("{}\n", reply.value());
    return object ? 0 : 1;
  }
  if (!object) return fail(object.error().text);
  const auto ordered = nlohmann::ordered_json::parse(reply.value(), nullptr, false);
  fmt::print("{}{}", before, render_reply(ordered, wants_colour(STDOUT_FILENO)));
  std::fflush(stdout);
  return 0;
}

// Until q, a key that ends input, or the terminal's interrupt.
int refresh(const DaemonArguments& arguments) {
  constexpr int kPeriodMs = 1000;
  for (;;) {
    if (const int outcome = ask_once(arguments, "\x1b[H\x1b[2J"); outcome != 0) return outcome;
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (::poll(&input, 1, kPeriodMs) <= 0) continue;
    char key = 'q';
    if (::read(STDIN_FILENO, &key, 1) <= 0 || key == 'q') return 0;
  }
}

}  // namespace

int run_daemon_command(const DaemonArguments& arguments) {
  const bool refreshes = arguments.command == "top" && !arguments.once && !arguments.json &&
                         isatty(STDOUT_FILENO) == 1;
  return refreshes ? refresh(arguments) : ask_once(arguments, "");
}

}  // namespace edgesentry::cli
