// A reload, from its request to the replies: the configuration is read at once, its patterns in the
// course of some rounds, and then all of it is taken or none.
//
// Owner: the control thread. Requests that come while one is under way are answered by the next:
// the file may have changed since.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "control/mailbox.h"
#include "control/reload.h"
#include "control/state.h"

namespace edgesentry::control {

struct Answered {
  Mailbox::Letter letter;
  nlohmann::json reply;
};

class Reloading {
 public:
  void ask() noexcept { is_asked_ = true; }  // nobody waits for a reply
  void ask(Mailbox::Letter letter) {
    is_asked_ = true;
    asked_.push_back(std::move(letter));
  }
  // Begins, goes on or ends; what is ended is added to `answered`.
  void step(ControlState& state, std::vector<Answered>& answered);
  [[nodiscard]] bool is_under_way() const noexcept { return next_.has_value(); }

 private:
  void begin(ControlState& state);
  void end(ControlState& state, const PatternsRead& patterns, std::vector<Answered>& answered);

  bool is_asked_ = false;
  std::vector<Mailbox::Letter> asked_;    // for the next one
  std::vector<Mailbox::Letter> waiting_;  // for the one under way
  std::optional<config::Loaded> next_;    // of the one under way
};

}  // namespace edgesentry::control
