#include "control/commands.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "control/command_handlers.h"
#include "control/command_input.h"
#include "control/mailbox.h"
#include "control/state.h"
#include "control/upkeep.h"

namespace edgesentry::control {

namespace {

constexpr CommandMember kAddress{"address", "the source: an address, or an IPv6 prefix", true};
constexpr CommandMember kPrefix{"address", "an address or a CIDR block", true};

constexpr std::array kBlockMembers = {
    kAddress, CommandMember{"for", "how long, such as \"10m\"; else the next step of block.ladder"},
    CommandMember{"reason", "why, for the logs and for colleagues"}};
constexpr std::array kAddressOnly = {kAddress};
constexpr std::array kPrefixOnly = {kPrefix};
constexpr std::array kBypassMembers = {
    CommandMember{"state", "\"on\": every packet passes; \"off\": blocks hold again", true}};
constexpr std::array kTopMembers = {CommandMember{"count", "how many, at most 100"}};
constexpr CommandMember kDryRun{"dry_run", "true: only say whether it would be done"};
constexpr std::array kItems = {
    CommandMember{"items", "at most 1000 addresses, or objects with address, for and reason", true},
    CommandMember{"for", "how long those are blocked that do not say it"},
    CommandMember{"reason", "why, where an item does not say it"}, kDryRun};
constexpr std::array kItemsOnly = {CommandMember{"items", "at most 1000 addresses", true}, kDryRun};
constexpr std::array kAllowedMembers = {
    CommandMember{"count", "how many at once, at most 1000"},
    CommandMember{"cursor", "where to go on: \"next\" of the reply before"}};
constexpr std::array kBlockedMembers = {
    CommandMember{"within", "only sources inside this CIDR block"},
    CommandMember{"family", "only \"ipv4\" or \"ipv6\""},
    CommandMember{"technique", "only those caught at this, such as \"tcp_syn\""},
    CommandMember{"shape", "only those caught in this way, such as \"horizontal\""},
    CommandMember{"count", "how many at once, at most 1000"},
    CommandMember{"cursor", "where to go on: \"next\" of the reply before"}};
constexpr std::array kEventsMembers = {
    CommandMember{"count", "how many, at most 1000"},
    CommandMember{"since", "only events from this number on: \"next\" of the reply before"},
    CommandMember{"within", "only events of sources inside this CIDR block"},
    CommandMember{"action", "only this kind, such as \"source-blocked\""}};

constexpr std::array kHistoryMembers = {
    CommandMember{"address", "only of this source"},
    CommandMember{"action", "only of this kind, such as \"source-blocked\""},
    CommandMember{"since", "how long ago, such as \"7d\""},
    CommandMember{"until", "how long ago they end"},
    CommandMember{"count", "how many at once, at most 500"},
    CommandMember{"before", "only events before this number: \"next\" of the reply before"}};

nlohmann::json show_help(ControlState&, const nlohmann::json&) {
  nlohmann::json rows = nlohmann::json::array();
  for (const CommandRow& row : command_table()) {
    nlohmann::json members = nlohmann::json::array();
    for (const CommandMember& member : row.members)
      members.push_back(
          {{"name", member.name}, {"help", member.help}, {"required", member.is_required}});
    rows.push_back({{"name", row.name},
                    {"help", row.help},
                    {"changes", row.changes},
                    {"members", std::move(members)}});
  }
  return {{"ok", true}, {"commands", std::move(rows)}};
}

nlohmann::json show_version(ControlState& state, const nlohmann::json&) {
  return {{"ok", true}, {"version", state.version}};
}

// Answered when it is done (reloading.h).
nlohmann::json run_reload(ControlState&, const nlohmann::json&) {
  return nullptr;
}

constexpr std::array<CommandRow, 18> kTable = {{
    {"status", "how the appliance is doing", false, {}, show_status},
    {"top", "the sources with the most probes", false, kTopMembers, show_top},
    {"blocked", "who is blocked until when and why", false, kBlockedMembers, show_blocked},
    {"block", "block a source now", true, kBlockMembers, block_source},
    {"unblock", "let a source in again; the block was no offence", true, kAddressOnly,
     unblock_source},
    {"block-many", "block all of these, or none when one of them will not do", true, kItems,
     block_many},
    {"unblock-many", "let all of these in again, or none", true, kItemsOnly, unblock_many},
    {"allowed", "who is never blocked, and why", false, kAllowedMembers, show_allowed},
    {"allow", "never block these, until they are taken back", true, kPrefixOnly, allow_prefix},
    {"unallow", "take an allow command back", true, kPrefixOnly, unallow_prefix},
    {"bypass", "let every packet pass at once, or end that", true, kBypassMembers, switch_bypass},
    {"explain", "the story of one source, in words", false, kAddressOnly, explain_source},
    {"events", "the last events", false, kEventsMembers, show_events},
    {"history", "events of earlier days, newest first", false, kHistoryMembers, show_history},
    {"reload",
     "read the configuration, the allow file and the patterns again",
     true,
     {},
     run_reload},
    {"check", "what a reload would do, without doing it", false, {}, check_config},
    {"version", "which version this is", false, {}, show_version},
    {"help", "this table", false, {}, show_help},
}};

std::string known_names() {
  std::string names;
  for (const CommandRow& row : kTable) names += (names.empty() ? "" : ", ") + std::string(row.name);
  return names;
}

// Empty when every member is known and the required ones are there.
std::string fault_of_members(const CommandRow& row, const nlohmann::json& request) {
  for (const auto& item : request.items()) {
    const auto is_it = [&](const CommandMember& member) { return member.name == item.key(); };
    if (item.key() == "command" || std::ranges::any_of(row.members, is_it)) continue;
    std::string known;
    for (const CommandMember& member : row.members)
      known += (known.empty() ? "it takes " : ", ") + std::string(member.name);
    return fmt::format("'{}' takes no '{}'; {}", row.name, shown(item.key()),
                       known.empty() ? "it takes nothing" : known);
  }
  for (const CommandMember& member : row.members)
    if (member.is_required && !request.contains(member.name))
      return fmt::format("'{}' needs \"{}\": {}", row.name, member.name, member.help);
  return {};
}

nlohmann::json dispatch(ControlState& state, const nlohmann::json& request) {
  if (!request.is_object())
    return error_reply("a request is an object such as {\"command\": \"status\"}");
  const auto name = request.find("command");
  if (name == request.end() || !name->is_string())
    return error_reply("\"command\" is missing or not a text; one of " + known_names());
  const auto& wanted = name->get_ref<const std::string&>();
  const auto row = std::ranges::find(kTable, std::string_view(wanted), &CommandRow::name);
  if (row == kTable.end())
    return error_reply(
        fmt::format("there is no command {}; one of {}", shown_value(*name), known_names()));
  const std::string fault = fault_of_members(*row, request);
  return fault.empty() ? row->run(state, request) : error_reply(fault);
}

}  // namespace

std::span<const CommandRow> command_table() noexcept {
  return kTable;
}

nlohmann::json run_command(ControlState& state, const nlohmann::json& request) {
  nlohmann::json reply;
  try {
    reply = dispatch(state, request);
  } catch (const nlohmann::json::exception& fault) {
    reply = error_reply(fmt::format("the request could not be read: {}", shown(fault.what())));
  }
  state.numbers.commands.add(1);
  if (!reply.is_null() && !reply.value("ok", false)) state.numbers.commands_failed.add(1);
  return reply;
}

}  // namespace edgesentry::control
