// Commands that change who is blocked or exempt. Exemptions and observe mode come first here too.
#include <fmt/core.h>

#include <algorithm>

#include "control/command_handlers.h"
#include "control/command_input.h"
#include "control/mailbox.h"
#include "control/state.h"
#include "policy/decide.h"
#include "report/timestamps.h"

namespace edgesentry::control {

namespace {

constexpr std::size_t kLiveMax = 10'000;

std::string allowed_as(const ControlState& state, const base::Prefix& prefix) {
  const auto found = std::ranges::find_if(state.lists.live, [&](const policy::Exemption& e) {
    return e.prefix.contains(prefix.address());
  });
  return (found == state.lists.live.end() ? prefix : found->prefix).to_string();
}

// What an operator can do about an exemption that is in the way of a block.
std::string way_out(const ControlState& state, const base::Prefix& prefix, policy::Exempt why) {
  const std::string& path = state.config.path;
  const auto switch_off = [&](std::string_view key) {
    return fmt::format("should it be blocked all the same, set allow.{} = false in {} and reload",
                       key, path);
  };
  switch (why) {
    case policy::Exempt::allowed_by_config:
      return fmt::format("take it out of allow.networks in {} and reload", path);
    case policy::Exempt::allowed_by_file:
      return fmt::format("take it out of {}, which is read again at once", state.config.allow.file);
    case policy::Exempt::allowed_live:
      return fmt::format("'edgesentry unallow {}' takes that back", allowed_as(state, prefix));
    case policy::Exempt::own_address:
      return switch_off("own_addresses");
    case policy::Exempt::gateway:
      return switch_off("gateways");
    case policy::Exempt::resolver:
      return switch_off("resolvers");
    case policy::Exempt::special_address:
      return "no setting changes that, because nobody in particular has such an address; look for "
             "the machine that sends it on this link";
    case policy::Exempt::protected_network:
      return fmt::format("if it is outside, take it out of networks.inside in {} and reload", path);
  }
  return "";
}

// Why an operator may not block this source; empty when nothing is in the way.
std::string refusal(const ControlState& state, const base::Ip& source) {
  const std::string name = state.ledger.prefix_of(source).to_string();
  if (const auto why = state.exempt.why(source))
    return fmt::format("{} is never blocked: {}; {}", name, policy::words_for(*why),
                       way_out(state, state.ledger.prefix_of(source), *why));
  if (!state.enforces())
    return fmt::format(
        "{} was not blocked: the mode is observe, and nothing is dropped; set mode = \"enforce\" "
        "in {} and reload",
        name, state.config.path);
  return {};
}

nlohmann::json say_blocked(ControlState& state, const policy::BlockResult& result) {
  const policy::Entry& entry = *result.entry;
  report::Event event = state.event_of(report::Action::source_blocked, entry.source);
  event.offence = policy::Ledger::offence_of(entry);
  event.block_for = std::chrono::seconds(
      static_cast<std::int64_t>((entry.until.value - state.now.monotonic.value) / 1'000'000));
  event.text = fmt::format("an operator blocked {} for {}{}{}", event.source.to_string(),
                           policy::in_words(event.block_for), entry.reason.empty() ? "" : ": ",
                           entry.reason);
  if (event.enforcement != report::Enforcement::packets)
    event.text += "; " + state.enforcement_words();
  nlohmann::json reply = {{"ok", true},
                          {"source", event.source.to_string()},
                          {"for_seconds", event.block_for.count()},
                          {"until", report::utc_timestamp(state.wall_of(entry.until))},
                          {"offence", event.offence},
                          {"renewed", result.outcome == policy::BlockOutcome::renewed},
                          {"text", event.text}};
  state.say(std::move(event));
  return reply;
}

bool has_prefix(const std::vector<policy::Exemption>& list, const base::Prefix& prefix) {
  return std::ranges::find(list, prefix, &policy::Exemption::prefix) != list.end();
}

}  // namespace

nlohmann::json block_source(ControlState& state, const nlohmann::json& request) {
  const auto source = source_member(request, state.config.table.ipv6_prefix);
  if (!source) return error_reply(source.error().text);
  const auto duration = duration_member(request, "for");
  if (!duration) return error_reply(duration.error().text);
  const auto reason = text_member(request, "reason");
  if (!reason) return error_reply(reason.error().text);
  const std::string fault = refusal(state, source.value());
  if (!fault.empty()) return error_reply(fault);

  const auto result = state.ledger.block({.source = source.value(),
                                          .origin = policy::Origin::operator_order,
                                          .duration = duration.value(),
                                          .reason = reason.value()},
                                         state.now.monotonic);
  if (result.outcome == policy::BlockOutcome::full) {
    state.numbers.blocks_refused.add(1);
    return error_reply(
        fmt::format("{} sources are blocked already, which is the most that "
                    "table.blocks allows; unblock one, or raise table.blocks and "
                    "restart",
                    state.ledger.settings().blocks_max));
  }
  if (result.has_ended && result.ended == policy::Standing::blocked)
    state.numbers.blocks_expired.add(1);
  if (result.outcome == policy::BlockOutcome::added) state.numbers.blocks_added.add(1);
  state.order(source.value(), scan::OrderKind::block);
  return say_blocked(state, result);
}

nlohmann::json unblock_source(ControlState& state, const nlohmann::json& request) {
  const auto source = source_member(request, state.config.table.ipv6_prefix);
  if (!source) return error_reply(source.error().text);
  const std::string name = state.ledger.prefix_of(source.value()).to_string();
  const policy::Entry* entry = state.ledger.find(source.value());
  const bool was_real = entry != nullptr && entry->standing == policy::Standing::blocked;
  const std::uint32_t offence = entry == nullptr ? 0 : policy::Ledger::offence_of(*entry);
  if (!state.lift(source.value(), LiftKind::pardon))
    return error_reply(fmt::format("{} is not blocked; 'blocked' lists who is", name));
  report::Event event = state.event_of(report::Action::source_unblocked, source.value());
  event.text = fmt::format("an operator let {} in again", name);
  if (!was_real) event.text = fmt::format("an operator took {} off the observed blocks", name);
  if (offence > 0) event.text += fmt::format("; its offence {} no longer counts", offence);
  nlohmann::json reply = {{"ok", true}, {"source", name}, {"text", event.text}};
  state.say(std::move(event));
  return reply;
}

nlohmann::json allow_prefix(ControlState& state, const nlohmann::json& request) {
  const auto prefix = prefix_member(request, "address");
  if (!prefix) return error_reply(prefix.error().text);
  if (has_prefix(state.lists.live, prefix.value()))
    return {{"ok", true}, {"prefix", prefix.value().to_string()}, {"changed", false}};
  if (state.lists.live.size() >= kLiveMax)
    return error_reply(
        fmt::format("{} live entries are the most that are kept; put networks into "
                    "allow.file instead",
                    kLiveMax));
  state.lists.live.push_back({prefix.value(), policy::Exempt::allowed_live});
  state.adopt();  // its sweep lifts what this allows
  const std::string text = fmt::format(
      "an operator allowed {} until the next start; to keep it, put it into the allow file",
      prefix.value().to_string());
  state.say_appliance(text);
  return {{"ok", true}, {"prefix", prefix.value().to_string()}, {"changed", true}, {"text", text}};
}

nlohmann::json switch_bypass(ControlState& state, const nlohmann::json& request) {
  const auto wanted = text_member(request, "state");
  if (!wanted) return error_reply(wanted.error().text);
  if (wanted.value() != "on" && wanted.value() != "off")
    return error_reply("state is \"on\", and every packet passes, or \"off\"");
  const bool is_on = wanted.value() == "on";
  const bool changes = is_on != state.is_bypassed();
  std::string text = is_on
                         ? "the bypass is on: every packet passes, until 'bypass off' or a restart"
                         : "the bypass is off: " + std::to_string(state.ledger.blocked()) +
                               " blocks are in force again";
  if (changes) {
    state.set_bypass(is_on);
    state.say_appliance("an operator: " + text);
  }
  return {{"ok", true}, {"bypass", is_on}, {"changed", changes}, {"text", std::move(text)}};
}

nlohmann::json unallow_prefix(ControlState& state, const nlohmann::json& request) {
  const auto prefix = prefix_member(request, "address");
  if (!prefix) return error_reply(prefix.error().text);
  const std::string name = prefix.value().to_string();
  const auto erased = std::erase_if(
      state.lists.live, [&](const policy::Exemption& e) { return e.prefix == prefix.value(); });
  if (erased == 0) {
    const auto why = state.exempt.why(prefix.value().address());
    return error_reply(why ? fmt::format("{} was not allowed by command: {}; {}", name,
                                         policy::words_for(*why),
                                         way_out(state, prefix.value(), *why))
                           : fmt::format("{} is not on the allow list", name));
  }
  state.adopt();
  const std::string text = fmt::format("an operator took {} off the live allow list", name);
  state.say_appliance(text);
  return {{"ok", true}, {"prefix", name}, {"text", text}};
}

}  // namespace edgesentry::control
