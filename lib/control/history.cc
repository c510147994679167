#include "control/history.h"

#include <fmt/core.h>

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "control/command_handlers.h"
#include "control/command_input.h"
#include "control/state.h"
#include "report/json_lines.h"
#include "report/timestamps.h"

namespace edgesentry::control {

namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;

constexpr std::uint64_t kCountMax = 500;  // of a page: some 600 kB

std::int64_t unix_micros(WallTime time) {
  return duration_cast<microseconds>(time.time_since_epoch()).count();
}

nlohmann::json row_of(const store::KeptEvent& kept) {
  // The file is input like any other: a line that is no JSON is shown as it stands.
  nlohmann::json record = nlohmann::json::parse(kept.event.line, nullptr, false);
  if (record.is_discarded()) record = kept.event.line;
  const nlohmann::json::json_pointer sentence("/event/reason");
  nlohmann::json row = {{"number", kept.number},
                        {"time", report::utc_timestamp(WallTime(microseconds(kept.event.time)))},
                        {"action", kept.event.action},
                        {"text", record.contains(sentence) ? record[sentence] : nlohmann::json("")},
                        {"record", std::move(record)}};
  if (kept.event.source) row["source"] = kept.event.source->to_string();
  return row;
}

nlohmann::json reply_of(const store::EventPage& page) {
  if (!page.trouble.empty()) return error_reply("earlier events cannot be read: " + page.trouble);
  nlohmann::json rows = nlohmann::json::array();
  for (const store::KeptEvent& kept : page.events) rows.push_back(row_of(kept));
  nlohmann::json reply = {{"ok", true}, {"events", std::move(rows)}};
  if (page.next != 0) reply["next"] = page.next;
  return reply;
}

// Microseconds since 1970 of a moment so long ago; `normal` when the member is absent.
base::Result<std::int64_t> moment_member(const ControlState& state, const nlohmann::json& request,
                                         std::string_view name, std::int64_t normal) {
  const auto ago = duration_member(request, name);
  if (!ago) return ago.error();
  if (!request.contains(name)) return normal;
  return unix_micros(state.now.wall) - duration_cast<microseconds>(ago.value()).count();
}

}  // namespace

base::Status HistorySink::write(const report::Event& event) {
  const report::SteadyTime now = std::chrono::steady_clock::now();
  for (const report::Event& due : limiter_.due(now)) put(due);
  switch (limiter_.ask(event, now)) {
    case report::LineLimiter::Answer::write:
      put(event);
      break;
    case report::LineLimiter::Answer::coalesced:
      numbers_.limited.add(1);
      break;
    case report::LineLimiter::Answer::kept:
      break;
  }
  return status();
}

base::Status HistorySink::flush() {
  for (const report::Event& due : limiter_.due(std::chrono::steady_clock::now())) put(due);
  return status();
}

base::Status HistorySink::finish() {
  for (const report::Event& due : limiter_.rest()) put(due);
  return status();
}

void HistorySink::put(const report::Event& event) {
  const bool is_kept = keeper_.put({.time = unix_micros(event.time),
                                    .action = std::string(report::action_name(event)),
                                    .source = event.action == report::Action::appliance
                                                  ? std::nullopt
                                                  : std::optional(event.source),
                                    .line = report::to_json_line(event)});
  (is_kept ? numbers_.written : numbers_.failed).add(1);
}

base::Status HistorySink::status() {
  numbers_.held.set(limiter_.waiting());
  const std::string trouble = keeper_.trouble();
  numbers_.degraded.set(trouble.empty() ? 0 : 1);
  return trouble.empty() ? base::Status{} : base::Status{base::Error{trouble}};
}

nlohmann::json show_history(ControlState& state, const nlohmann::json& request) {
  if (state.history == nullptr)
    return error_reply(
        "no events are kept: name a file in state.file, let state.events_mb be more than 0, and "
        "restart",
        code::kConflict);
  store::EventQuery query;
  if (request.contains("address")) {
    const auto source = source_member(request, state.config.table.ipv6_prefix);
    if (!source) return error_reply(source.error().text);
    query.source = state.ledger.key_of(source.value());
  }
  const auto action = text_member(request, "action");
  if (!action) return error_reply(action.error().text);
  query.action = action.value();
  const auto since = moment_member(state, request, "since", query.since);
  if (!since) return error_reply(since.error().text);
  query.since = since.value();
  const auto until = moment_member(state, request, "until", query.until);
  if (!until) return error_reply(until.error().text);
  query.until = until.value();
  const auto count = count_member(request, "count", {1, kCountMax, 100});
  if (!count) return error_reply(count.error().text);
  query.count = static_cast<std::uint32_t>(count.value());
  const auto most = static_cast<std::uint64_t>(query.before);
  const auto before = count_member(request, "before", {1, most, most});
  if (!before) return error_reply(before.error().text);
  query.before = static_cast<std::int64_t>(before.value());
  state.question = std::move(query);
  return {};
}

void ask_history(store::EventKeeper& keeper, store::EventQuery&& query, Mailbox::Letter&& letter) {
  const auto held = std::make_shared<Mailbox::Letter>(std::move(letter));
  const bool is_asked = keeper.ask(
      std::move(query), [held](store::EventPage&& page) { held->reply.set_value(reply_of(page)); });
  if (!is_asked)
    held->reply.set_value(
        error_reply("too many look for earlier events now; ask again in a moment"));
}

}  // namespace edgesentry::control
