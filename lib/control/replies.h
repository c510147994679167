// Answers to letters, held until what they tell of is on disk.
//
// Owner: the control thread. Bounded by the mailbox: a requester has one letter at a time. A disk
// that is away or slow does not hold an answer for longer than two seconds; it then says that the
// block is in force but not kept.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/units.h"
#include "control/mailbox.h"
#include "store/keeper.h"

namespace edgesentry::control {

class Replies {
 public:
  explicit Replies(const store::Keeper* keeper) noexcept : keeper_(keeper) {}

  // `changes`: it is about blocks, which are to be kept.
  void add(Mailbox::Letter&& letter, nlohmann::json&& answer, bool changes);
  [[nodiscard]] bool has_changes() const noexcept;
  // Those with changes that were added since the last call wait for this number.
  void wait_for(std::uint64_t number, base::Micros now) noexcept;
  // Gives what is ready; all of it when `is_ending`.
  void give(base::Micros now, bool is_ending);

 private:
  struct Reply {
    Mailbox::Letter letter;
    nlohmann::json answer;
    bool changes = false;
    std::uint64_t number = 0;  // 0: nothing to wait for
    base::Micros until;
  };
  bool try_give(Reply& reply, base::Micros now, bool is_ending);

  const store::Keeper* keeper_;
  std::vector<Reply> replies_;
};

}  // namespace edgesentry::control
