// What NftEnforcer does when the kernel has no more room.
#include <algorithm>
#include <array>

#include "enforce/nft_enforcer.h"

namespace edgesentry::enforce {

namespace {

constexpr base::Micros kLearnAgain = base::seconds(60);
constexpr std::size_t kLetInAtOnce = 4096;

}  // namespace

void NftEnforcer::limit_to_present(bool is_on) {
  if (is_on == is_trial_) return;
  is_trial_ = is_on;
  room_.limit(is_on ? std::max<std::uint64_t>(health_.programmed, 1) : Room::kUnlimited);
}

// What has no place is named as not blocked: then it is surely not there.
NftElement NftEnforcer::place_of(const policy::Ledger& ledger, const base::Ip& source,
                                 const policy::Entry* entry, base::Micros now) {
  const NftElement element = element_of(source, entry, now);
  if (!element.is_blocked) {
    room_.leave(source);
    return element;
  }
  if (!room_.is_limited() && !room_.is_full()) return element;
  return room_.take(source, ledger.blocked()) ? element : NftElement{.source = source};
}

void NftEnforcer::let_in(const policy::Ledger& ledger) {
  const base::Micros now = settings_.now();
  if (room_.is_limited() && !is_trial_ && base::elapsed(room_learned_, now) >= kLearnAgain)
    room_.limit(Room::kUnlimited);
  if (!room_.is_full()) return;
  std::uint64_t free = room_.free(ledger.blocked());
  for (std::size_t count = 0; free > 0 && room_.is_full() && count < kLetInAtOnce; ++count, --free)
    changed_.insert(room_.take_first());
}

}  // namespace edgesentry::enforce
