// What an earlier run left in the kernel, as edgesentry-nft and edgesentry-xdp tell it when they
// are started to sweep: one packet each on their socket, and one for the end.
//
// Any thread; collect_leftovers() waits.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"

namespace edgesentry::enforce {

struct Leftover {
  enum class Kind : char {
    removed = 'r',  // it was ours, and nothing wanted it any more
    left = 'l',     // it may go on dropping; the sentence names the command that removes it
    others = 'o',   // a running program of ours keeps it
    present = 'p',  // it is where the configuration wants one
    end = 'e',      // nothing else was there
  };
  Kind kind = Kind::end;
  std::string text;  // a sentence
};

[[nodiscard]] base::Status tell_leftover(int socket, const Leftover& leftover);
// Without the end, whose absence is an Error: nobody knows what is there.
[[nodiscard]] base::Result<std::vector<Leftover>> collect_leftovers(
    int socket, std::chrono::milliseconds limit);

}  // namespace edgesentry::enforce
