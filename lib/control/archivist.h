// Hands to the keeper what changed in the ledger, and all of the ledger, a part each round, when
// the file was begun anew or the wall clock was set.
//
// Owner: the control thread.
#pragma once

#include <cstdint>

#include "store/keeper.h"

namespace edgesentry::control {

struct ControlState;

class Archivist {
 public:
  explicit Archivist(store::Keeper* keeper) noexcept : keeper_(keeper) {}

  // What became of state.changed, which is empty afterwards, and of the allow list; the keeper's
  // number for it, 0 when there was nothing. `is_urgent`: somebody waits for it.
  std::uint64_t keep(ControlState& state, bool is_urgent);
  [[nodiscard]] bool has_more() const noexcept { return is_walking_; }

 private:
  store::Keeper* keeper_;  // nullptr: memory only
  std::uint32_t cursor_ = 0;
  bool is_walking_ = false;
};

}  // namespace edgesentry::control
