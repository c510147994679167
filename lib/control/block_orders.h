// An operator's orders to block and to let in, in two steps: everything is checked before anything
// changes, so that many can be taken together or not at all. Control thread only.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "base/ip.h"
#include "control/state.h"

namespace edgesentry::control {

struct BlockOrder {
  base::Ip source;
  std::chrono::seconds duration{0};  // 0: the ladder decides
  std::string reason;
};

// Both: null when nothing is in the way, else the error to reply with; nothing has changed.
[[nodiscard]] nlohmann::json read_block(const ControlState& state, const nlohmann::json& request,
                                        BlockOrder& out);
[[nodiscard]] nlohmann::json read_unblock(const ControlState& state, const nlohmann::json& request,
                                          base::Ip& out);

// Blocked or shadowed: a block of it takes no more room.
[[nodiscard]] bool is_in_ledger(const ControlState& state, const base::Ip& source) noexcept;
// For so many sources more there is room.
[[nodiscard]] std::size_t room_left(const ControlState& state) noexcept;
// Is there room for `count` sources more? null, or the error to reply with; counts the refusal.
[[nodiscard]] nlohmann::json check_room(ControlState& state, std::size_t count);

// The reply. read_block(), read_unblock() and check_room() had nothing against it.
[[nodiscard]] nlohmann::json carry_out(ControlState& state, const BlockOrder& order);
[[nodiscard]] nlohmann::json let_in(ControlState& state, const base::Ip& source);

// What an operator can do about an exemption that is in the way of a block.
[[nodiscard]] std::string way_out(const ControlState& state, const base::Prefix& prefix,
                                  policy::Exempt why);

}  // namespace edgesentry::control
