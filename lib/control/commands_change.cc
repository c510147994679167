// Commands that change who is blocked or exempt. Exemptions and observe mode come first here too.
#include <fmt/core.h>

#include <algorithm>

#include "control/block_orders.h"
#include "control/command_handlers.h"
#include "control/command_input.h"
#include "control/mailbox.h"
#include "control/state.h"
#include "control/upkeep.h"

namespace edgesentry::control {

namespace {

constexpr std::size_t kLiveMax = 10'000;

bool has_prefix(const std::vector<policy::Exemption>& list, const base::Prefix& prefix) {
  return std::ranges::find(list, prefix, &policy::Exemption::prefix) != list.end();
}

}  // namespace

nlohmann::json block_source(ControlState& state, const nlohmann::json& request) {
  BlockOrder order;
  if (nlohmann::json fault = read_block(state, request, order); !fault.is_null()) return fault;
  if (nlohmann::json fault = check_room(state, is_in_ledger(state, order.source) ? 0 : 1);
      !fault.is_null())
    return fault;
  return carry_out(state, order);
}

nlohmann::json unblock_source(ControlState& state, const nlohmann::json& request) {
  base::Ip source;
  if (nlohmann::json fault = read_unblock(state, request, source); !fault.is_null()) return fault;
  return let_in(state, source);
}

nlohmann::json allow_prefix(ControlState& state, const nlohmann::json& request) {
  const auto prefix = prefix_member(request, "address");
  if (!prefix) return error_reply(prefix.error().text);
  if (has_prefix(state.lists.live, prefix.value()))
    return {
        {"ok", true}, {"prefix", prefix.value().to_string()}, {"changed", false}, {"lifted", 0}};
  if (state.lists.live.size() >= kLiveMax)
    return error_reply(fmt::format("{} live entries are the most that are kept; put networks into "
                                   "allow.file instead",
                                   kLiveMax),
                       code::kFull);
  state.lists.live.push_back({prefix.value(), policy::Exempt::allowed_live});
  state.adopt();  // its sweep lifts what this allows
  state.is_allow_changed = true;
  const std::uint32_t lifted = count_to_lift(state);
  const std::string text = fmt::format(
      "an operator allowed {} until {}{}", prefix.value().to_string(),
      state.keeper != nullptr ? "it is taken back with 'unallow'"
                              : "the next start; to keep it, put it into the allow file",
      lifted_words(lifted));
  state.say_appliance(text);
  return {{"ok", true},
          {"prefix", prefix.value().to_string()},
          {"changed", true},
          {"lifted", lifted},
          {"text", text}};
}

nlohmann::json switch_bypass(ControlState& state, const nlohmann::json& request) {
  const auto wanted = text_member(request, "state");
  if (!wanted) return error_reply(wanted.error().text);
  if (wanted.value() != "on" && wanted.value() != "off")
    return error_reply("state is \"on\", and every packet passes, or \"off\"");
  const bool is_on = wanted.value() == "on";
  const bool changes = is_on != state.is_bypassed();
  std::string text =
      is_on ? "the bypass is on: every packet passes, until 'bypass off' or a restart; "
              "'edgesentry status' names a filter that has not confirmed it"
            : "the bypass is off: " + std::to_string(state.ledger.blocked()) +
                  " blocks are in force again";
  if (is_on) text += state.left_words();
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
    return why ? error_reply(
                     fmt::format("{} was not allowed by command: {}; {}", name,
                                 policy::words_for(*why), way_out(state, prefix.value(), *why)),
                     code::kConflict)
               : error_reply(fmt::format("{} is not on the allow list", name), code::kNotFound);
  }
  state.is_allow_changed = true;
  state.adopt();
  const std::string text = fmt::format("an operator took {} off the live allow list", name);
  state.say_appliance(text);
  return {{"ok", true}, {"prefix", name}, {"text", text}};
}

}  // namespace edgesentry::control
