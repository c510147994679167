// What NftEnforcer does with a program that does not answer, and what it tells of its troubles.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "enforce/nft_enforcer.h"

namespace edgesentry::enforce {

// Since the last answer, if there is one to come: four requests may wait for their turn.
base::Micros NftEnforcer::silence(base::Micros now) const noexcept {
  if (waiting_.empty()) return {};
  return base::elapsed(std::max(waiting_.front().sent, heard_), now);
}

// All that was to be let in again is, as far as the other end has confirmed.
void NftEnforcer::forget_lifts() {
  const bool is_settled =
      is_bypassed_ ? has_passed_
                   : is_whole_ && replay_ == Replay::none && changed_.empty() && waiting_.empty();
  if (!is_settled) return;
  is_lift_waiting_ = false;
  lift_limit_ = kLiftLimit;
}

void NftEnforcer::give_up_silent(base::Micros now) {
  const base::Micros limit = is_lift_waiting_ ? lift_limit_ : kReplyLimit;
  if (!is_open_ || waiting_.empty() || silence(now) < limit) return;
  may_be_there_ = true;  // it may have done what it was asked to
  if (is_lift_waiting_) lift_limit_ = std::min(base::Micros{2 * lift_limit_.value}, kReplyLimit);
  lose(fmt::format("{} does not answer", settings_.names.program), now);
}

void NftEnforcer::set_trouble(std::string trouble) {
  const std::lock_guard lock(mutex_);
  trouble_ = std::move(trouble);
}

std::string NftEnforcer::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

}  // namespace edgesentry::enforce
