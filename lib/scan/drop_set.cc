#include "scan/drop_set.h"

namespace edgesentry::scan {

// At half load a probe sequence of this length has a chance below 1e-18 (Knuth, volume 3, 6.4);
// a set that crowded refuses instead of looking further.
static constexpr std::uint32_t kProbesMax = 256;

std::uint32_t DropSet::find(const base::Ip& source, std::uint32_t home) const noexcept {
  std::uint32_t at = start_of(home);
  for (std::uint32_t i = 0; i < kProbesMax; ++i, at = (at + 1) & mask_) {
    const Slot& slot = slots_[at];
    if (slot.used == 0) return kNone;
    if (slot.home == home && slot.source == source) return at;
  }
  return kNone;
}

bool DropSet::insert(const base::Ip& source, std::uint32_t home) noexcept {
  if (slots_.empty()) return false;
  std::uint32_t at = start_of(home);
  for (std::uint32_t i = 0; i < kProbesMax; ++i, at = (at + 1) & mask_) {
    Slot& slot = slots_[at];
    if (slot.used != 0 && slot.home == home && slot.source == source) return true;
    if (slot.used != 0) continue;
    if (count_ * 2 >= slots_.size()) return false;
    slot = {.source = source, .home = home, .used = 1};
    ++count_;
    return true;
  }
  return false;
}

bool DropSet::erase(const base::Ip& source, std::uint32_t home) noexcept {
  if (slots_.empty()) return false;
  std::uint32_t hole = find(source, home);
  if (hole == kNone) return false;
  // Move back each follower whose own start lies at or before the hole, until a gap ends the run.
  // The run is at most half of the slots.
  for (std::uint32_t at = (hole + 1) & mask_; slots_[at].used != 0; at = (at + 1) & mask_) {
    const std::uint32_t start = start_of(slots_[at].home);
    if (((at - start) & mask_) < ((at - hole) & mask_)) continue;
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole].used = 0;
  --count_;
  return true;
}

}  // namespace edgesentry::scan
