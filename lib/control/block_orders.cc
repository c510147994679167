#include "control/block_orders.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/check.h"
#include "control/command_input.h"
#include "control/mailbox.h"
#include "policy/decide.h"
#include "report/timestamps.h"

namespace edgesentry::control {

namespace {

std::string allowed_as(const ControlState& state, const base::Prefix& prefix) {
  const auto found = std::ranges::find_if(state.lists.live, [&](const policy::Exemption& e) {
    return e.prefix.contains(prefix.address());
  });
  return (found == state.lists.live.end() ? prefix : found->prefix).to_string();
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

}  // namespace

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

nlohmann::json read_block(const ControlState& state, const nlohmann::json& request,
                          BlockOrder& out) {
  const auto source = source_member(request, state.config.table.ipv6_prefix);
  if (!source) return error_reply(source.error().text);
  const auto duration = duration_member(request, "for");
  if (!duration) return error_reply(duration.error().text);
  const auto reason = text_member(request, "reason");
  if (!reason) return error_reply(reason.error().text);
  const std::string fault = refusal(state, source.value());
  if (!fault.empty()) return error_reply(fault, code::kConflict);
  out = {source.value(), duration.value(), reason.value()};
  return nullptr;
}

bool is_in_ledger(const ControlState& state, const base::Ip& source) noexcept {
  const policy::Entry* entry = state.ledger.find(source);
  return entry != nullptr && (entry->standing == policy::Standing::blocked ||
                              entry->standing == policy::Standing::shadow);
}

std::size_t room_left(const ControlState& state) noexcept {
  const std::size_t taken = state.ledger.blocked() + state.ledger.shadowed();
  const std::size_t limit = std::min(state.ledger.settings().blocks_max, state.ledger.limit());
  return limit - std::min(limit, taken);
}

nlohmann::json check_room(ControlState& state, std::size_t count) {
  const std::size_t taken = state.ledger.blocked() + state.ledger.shadowed();
  const std::size_t limit = std::min(state.ledger.settings().blocks_max, state.ledger.limit());
  if (count == 0 || count <= room_left(state)) return nullptr;
  state.numbers.blocks_refused.add(count);
  return error_reply(
      fmt::format("{} sources are blocked already, and {} is the most that table.blocks allows; "
                  "unblock one, or raise table.blocks and restart",
                  taken, limit),
      code::kFull);
}

nlohmann::json carry_out(ControlState& state, const BlockOrder& order) {
  const auto result = state.ledger.block({.source = order.source,
                                          .origin = policy::Origin::operator_order,
                                          .duration = order.duration,
                                          .reason = order.reason},
                                         state.now.monotonic);
  EDGESENTRY_CHECK(result.outcome != policy::BlockOutcome::full, "check_room() has found room");
  if (result.has_ended && result.ended == policy::Standing::blocked)
    state.numbers.blocks_expired.add(1);
  if (result.outcome == policy::BlockOutcome::added) state.numbers.blocks_added.add(1);
  state.order(order.source, scan::OrderKind::block);
  return say_blocked(state, result);
}

nlohmann::json read_unblock(const ControlState& state, const nlohmann::json& request,
                            base::Ip& out) {
  const auto source = source_member(request, state.config.table.ipv6_prefix);
  if (!source) return error_reply(source.error().text);
  if (!is_in_ledger(state, source.value()))
    return error_reply(fmt::format("{} is not blocked; 'blocked' lists who is",
                                   state.ledger.prefix_of(source.value()).to_string()),
                       code::kNotFound);
  out = source.value();
  return nullptr;
}

nlohmann::json let_in(ControlState& state, const base::Ip& source) {
  const std::string name = state.ledger.prefix_of(source).to_string();
  const policy::Entry* entry = state.ledger.find(source);
  const bool was_real = entry != nullptr && entry->standing == policy::Standing::blocked;
  const std::uint32_t offence = entry == nullptr ? 0 : policy::Ledger::offence_of(*entry);
  EDGESENTRY_CHECK(state.lift(source, LiftKind::pardon), "read_unblock() has found it blocked");
  report::Event event = state.event_of(report::Action::source_unblocked, source);
  event.text = fmt::format("an operator let {} in again", name);
  if (!was_real) event.text = fmt::format("an operator took {} off the observed blocks", name);
  if (was_real) event.text += state.left_words();
  if (offence > 0) event.text += fmt::format("; its offence {} no longer counts", offence);
  nlohmann::json reply = {{"ok", true}, {"source", name}, {"text", event.text}};
  state.say(std::move(event));
  return reply;
}

}  // namespace edgesentry::control
