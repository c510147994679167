// What NftEnforcer does when the kernel has no more room.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "enforce/nft_enforcer.h"

namespace edgesentry::enforce {

namespace {

constexpr base::Micros kLearnAgain = base::seconds(60);
constexpr std::size_t kLetInAtOnce = 4096;

// The second is how libnftables words ENFILE: a set is full.
bool is_want_of_room(std::string_view text) {
  return text.find(kNoRoomWords) != std::string_view::npos ||
         text.find("Too many open files in system") != std::string_view::npos;
}

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

// Takes note of a refusal for want of room: so many as it holds now are all, and the others wait.
// Being full is said once, however often it is found out anew.
bool NftEnforcer::is_of_room(const NftReply& refusal, base::Micros now) {
  if (!is_want_of_room(refusal.text)) return false;
  if (refusal.has_counts) health_.programmed = refusal.fewest;
  room_.limit(std::max<std::uint64_t>(health_.programmed, 1));
  room_learned_ = now;
  health_.is_in_force = false;
  is_whole_ = false;
  if (!std::exchange(is_full_said_, true))
    settings_.say(fmt::format("{}: {}; what does not fit waits, and is not dropped there",
                              settings_.names.filter, refusal.text));
  return true;
}

void NftEnforcer::say_room() {
  if (!is_full_said_ || room_.is_full() || room_.is_limited()) return;
  if (replay_ != Replay::none || !changed_.empty() || !waiting_.empty()) return;
  is_full_said_ = false;
  settings_.say(fmt::format("{}: it has room for every block again", settings_.names.filter));
}

void NftEnforcer::let_in(const policy::Ledger& ledger) {
  const base::Micros now = settings_.now();
  if (room_.is_limited() && !is_trial_ && base::elapsed(room_learned_, now) >= kLearnAgain)
    room_.limit(Room::kUnlimited);
  if (!room_.is_full()) return say_room();
  std::uint64_t free = room_.free(ledger.blocked());
  for (std::size_t count = 0; free > 0 && room_.is_full() && count < kLetInAtOnce; ++count, --free)
    changed_.insert(room_.take_first());
}

}  // namespace edgesentry::enforce
