// A packet filter of the kernel's, as the program that programs it sees it: edgesentry-nft and
// edgesentry-xdp each are one, and answer the requests of nft_protocol.h by it.
//
// One thread. What the kernel refuses is an Error with its words.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "enforce/nft_protocol.h"

namespace edgesentry::enforce {

struct FilterCounts {
  bool are_counted = false;   // else there are too many to count, or it is not the time
  std::uint64_t fewest = 0;   // elements of both families together, place by place
  std::uint64_t most = 0;     // ... they stand at
  std::uint64_t missing = 0;  // of the sample, or with too short a time limit
};

// Of an element that is to end `wanted_s` from now (0: never) and does after left_s (absent:
// never). Somebody may have shortened it; some seconds lie between what was sent and what is asked,
// and hours where a limit is so long that it is only renewed by a replay.
[[nodiscard]] constexpr bool ends_too_soon(std::optional<std::uint64_t> left_s,
                                           std::uint64_t wanted_s) noexcept {
  constexpr std::uint64_t kSlack = 30, kHours = 12 * 3600, kWeek = 7 * 24 * 3600;
  if (!left_s) return false;
  return wanted_s == 0 || *left_s + (wanted_s > kWeek ? kHours : kSlack) < wanted_s;
}

class Filter {
 public:
  virtual ~Filter() = default;
  // True: something was missing or not as it should be, and is again.
  virtual base::Result<bool> mend() = 0;
  // Looks only when there is a reason to.
  virtual std::optional<FilterCounts> count_when_due(std::span<const NftElement> sample) = 0;
  // True: something had to be mended before the batch could be taken.
  virtual base::Result<bool> change(std::span<const NftElement> elements) = 0;
  // Of a change that was refused for want of room: the sources held then; 0: it was not, or who
  // knows.
  [[nodiscard]] virtual std::uint64_t held_when_full() const { return 0; }
  // Between begin() and sweep(): all that is to be blocked comes by change(). What is held beside
  // it is deleted by sweep().
  virtual void begin() = 0;
  virtual base::Status sweep() = 0;
  // Everything is let through, until the next sweep().
  virtual base::Status pass() = 0;
  // Leaves nothing in the kernel.
  virtual base::Status remove() = 0;
  // Packets dropped, as the kernel's counters stand: they begin anew when a repair made them anew.
  [[nodiscard]] virtual std::uint64_t drops() const = 0;
  // Where and how it drops, for people.
  [[nodiscard]] virtual std::string place() const { return {}; }
};

}  // namespace edgesentry::enforce
