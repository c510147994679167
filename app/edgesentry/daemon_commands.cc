#include "daemon_commands.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "bulk_command.h"
#include "control_client.h"
#include "policy/decide.h"
#include "reply_view.h"
#include "text_table.h"

namespace edgesentry::cli {
namespace {

using base::Result;
using Json = nlohmann::json;

constexpr int kPeriodMs = 1000;  // of top and events --follow

Json request_of(const DaemonArguments& arguments) {
  Json request = {{"command", arguments.is_trial ? "check" : arguments.command}};
  if (!arguments.address.empty()) request["address"] = arguments.address;
  if (!arguments.duration.empty()) request["for"] = arguments.duration;
  if (!arguments.reason.empty()) request["reason"] = arguments.reason;
  if (!arguments.state.empty()) request["state"] = arguments.state;
  if (!arguments.within.empty()) request["within"] = arguments.within;
  if (!arguments.family.empty()) request["family"] = arguments.family;
  if (!arguments.technique.empty()) request["technique"] = arguments.technique;
  if (!arguments.shape.empty()) request["shape"] = arguments.shape;
  if (!arguments.action.empty()) request["action"] = arguments.action;
  if (!arguments.since.empty()) request["since"] = arguments.since;
  if (!arguments.until.empty()) request["until"] = arguments.until;
  if (arguments.before > 0) request["before"] = arguments.before;
  if (arguments.count > 0) request["count"] = arguments.count;
  return request;
}

// A sentence; what belongs to it follows, a line each.
int fail(std::string_view sentence) {
  fmt::print(stderr, "{}", coloured("edgesentry:", Colour::red, wants_colour(STDERR_FILENO)));
  std::string_view before = " ";
  while (!sentence.empty()) {
    const std::size_t end = std::min(sentence.find('\n'), sentence.size());
    fmt::print(stderr, "{}{}\n", std::exchange(before, ""), printable(sentence.substr(0, end)));
    sentence.remove_prefix(std::min(end + 1, sentence.size()));
  }
  return 1;
}

// The reply's object; printed as it came where machines read.
Result<Json> ask(const DaemonArguments& arguments, const Json& request) {
  const ControlClient client(arguments.socket);
  const auto reply = client.ask_raw(request);
  if (!reply) return reply.error();
  if (arguments.json) fmt::print("{}\n", reply.value());
  return ControlClient::understand(reply.value());
}

// What a page left out stands in the next one; a page's cursor only ever grows, else it ends.
Result<Json> ask_all_pages(const DaemonArguments& arguments) {
  Json request = request_of(arguments);
  auto first = ask(arguments, request);
  if (!first) return first;
  Json all = std::move(first).value();
  std::uint64_t cursor = 0;
  while (all.contains("next") && all["next"].is_number_unsigned() && all["next"] > cursor) {
    cursor = all["next"].get<std::uint64_t>();
    request["cursor"] = cursor;
    const auto page = ask(arguments, request);
    if (!page) return page;
    for (const char* list : {"sources", "networks"})
      if (page.value().contains(list) && all.contains(list) && all[list].is_array())
        for (const Json& row : page.value()[list]) all[list].push_back(row);
    all.erase("next");
    if (page.value().contains("next")) all["next"] = page.value()["next"];
  }
  all.erase("next");
  return all;
}

int change_list(const DaemonArguments& arguments) {
  const auto count = change_many(arguments, request_of(arguments));
  if (!count) return fail(count.error().text);
  if (!arguments.json) fmt::print("{}ed {}\n", arguments.command, count.value());
  return 0;
}

void show(const DaemonArguments& arguments, const Json& object) {
  if (!arguments.json) fmt::print("{}", render_reply(object, wants_colour(STDOUT_FILENO)));
  std::fflush(stdout);
}

std::uint64_t number_at(const Json& object, const char* path) {
  const Json::json_pointer pointer(path);
  return object.contains(pointer) && object[pointer].is_number_unsigned()
             ? object[pointer].get<std::uint64_t>()
             : 0;
}

// "edgesentry enforce, up 3 hours, 1.2 M packets/s, 312 blocked"
std::string headline(const Json& status, double packets_per_second) {
  const std::string mode = status.value("/mode"_json_pointer, Json("?")).dump();
  return fmt::format("{} mode, up {}, {} packets/s, {} blocked\n\n", printable(mode),
                     policy::in_words(std::chrono::seconds(number_at(status, "/uptime_seconds"))),
                     rounded(packets_per_second), grouped(number_at(status, "/blocks/active")));
}

// True when the user pressed q, or input ended.
bool wait_for_quit() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  if (::poll(&input, 1, kPeriodMs) <= 0) return false;
  char key = 'q';
  return ::read(STDIN_FILENO, &key, 1) <= 0 || key == 'q';
}

int refresh_top(const DaemonArguments& arguments) {
  using Clock = std::chrono::steady_clock;
  std::uint64_t before = 0;
  auto asked = Clock::now();
  bool is_first = true;
  for (;;) {
    const auto status = ask(arguments, {{"command", "status"}});
    if (!status) return fail(status.error().text);
    const auto top = ask(arguments, request_of(arguments));
    if (!top) return fail(top.error().text);
    const std::uint64_t received = number_at(status.value(), "/packets/received");
    const std::chrono::duration<double> passed = Clock::now() - std::exchange(asked, Clock::now());
    const bool has_rate = !is_first && received >= before && passed.count() > 0;
    const double rate = has_rate ? static_cast<double>(received - before) / passed.count() : 0;
    fmt::print("\x1b[H\x1b[2J{}", headline(status.value(), rate));
    show(arguments, top.value());
    before = received;
    is_first = false;
    if (wait_for_quit()) return 0;
  }
}

int follow_events(const DaemonArguments& arguments) {
  Json request = request_of(arguments);
  for (;;) {
    const auto reply = ask(arguments, request);
    if (!reply) return fail(reply.error().text);
    if (reply.value().contains("events") && !reply.value()["events"].empty())
      show(arguments, {{"events", reply.value()["events"]}});
    request["since"] = number_at(reply.value(), "/next");
    ::poll(nullptr, 0, kPeriodMs);
  }
}

}  // namespace

int run_daemon_command(const DaemonArguments& arguments) {
  const bool is_live = !arguments.once && !arguments.json && isatty(STDOUT_FILENO) == 1;
  if (arguments.command == "top" && is_live) return refresh_top(arguments);
  if (arguments.command == "events" && arguments.follow) return follow_events(arguments);
  if (!arguments.list.empty()) return change_list(arguments);
  const bool is_list = arguments.command == "blocked" || arguments.command == "allowed";
  const auto reply = is_list ? ask_all_pages(arguments) : ask(arguments, request_of(arguments));
  if (!reply) return arguments.json ? 1 : fail(reply.error().text);
  show(arguments, reply.value());
  if (arguments.command == "history" && !arguments.json && reply.value().contains("next"))
    fmt::print("earlier ones: --before {}\n", number_at(reply.value(), "/next"));
  return 0;
}

}  // namespace edgesentry::cli
