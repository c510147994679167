// What the control thread does beside alerts: follows the allow file and the machine's own
// addresses, and lifts blocks that the rules no longer want. Bounded per round.
#pragma once

#include <cstdint>
#include <string>

#include "base/units.h"
#include "control/state.h"

namespace edgesentry::control {

// A part of the sweep, if one is under way.
void sweep_some(ControlState& state);

// How many blocks it is about to lift, after adopt(). Visits the whole ledger: when somebody asked.
[[nodiscard]] std::uint32_t count_to_lift(const ControlState& state);
// "; N blocks end with it"; empty: none.
[[nodiscard]] std::string lifted_words(std::uint32_t count);

// That a block has ended by itself.
void say_expired(ControlState& state, const policy::Expired& expired);

// Looks at the allow file once a second and at the machine's addresses once a minute. A changed
// file is read when it has been the same for two looks, so that an editor's half-written file does
// not expose anybody. A file that is gone changes nothing.
class Watch {
 public:
  void look(ControlState& state);

 private:
  struct Stamp {
    std::int64_t seconds = 0, nanos = 0, size = -1;  // size -1: there is no such file
    std::uint64_t inode = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  [[nodiscard]] static Stamp stamp_of(const std::string& path);
  void look_at_file(ControlState& state);

  std::string path_;
  Stamp taken_, seen_;
  base::Micros next_file_look_, next_machine_look_;
  bool has_looked_ = false;
};

}  // namespace edgesentry::control
