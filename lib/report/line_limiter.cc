#include "report/line_limiter.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace edgesentry::report {
namespace {

constexpr std::chrono::seconds kWindow{1};

std::size_t kind_of(const Event& event, std::size_t kinds) {
  const std::size_t kind = static_cast<std::size_t>(event.action) * 2 + (event.ignored ? 1 : 0);
  return std::min(kind, kinds - 1);
}

std::uint32_t saturating_sum(std::uint32_t a, std::uint32_t b) {
  constexpr std::uint32_t kMax = std::numeric_limits<std::uint32_t>::max();
  return b > kMax - a ? kMax : a + b;
}

}  // namespace

void LineLimiter::roll(SteadyTime now) {
  if (now - second_start_ < kWindow) return;
  second_start_ = now;
  admitted_ = 0;
}

LineLimiter::Answer LineLimiter::ask(const Event& event, SteadyTime now) {
  roll(now);
  if (per_second_max_ == 0 || event.action == Action::appliance) return Answer::write;
  if (admitted_ < per_second_max_) {
    ++admitted_;
    return Answer::write;
  }
  Coalesced& slot = coalesced_[kind_of(event, coalesced_.size())];
  const bool is_first = slot.count == 0;
  if (is_first && kinds_waiting_++ == 0) oldest_waiting_ = now;
  slot.count = saturating_sum(slot.count, event.stands_for);
  slot.newest = event;
  return is_first ? Answer::kept : Answer::coalesced;
}

std::vector<Event> LineLimiter::due(SteadyTime now) {
  if (kinds_waiting_ == 0 || now - oldest_waiting_ < kWindow) return {};
  return rest();
}

std::vector<Event> LineLimiter::rest() {
  std::vector<Event> summaries;
  for (Coalesced& slot : coalesced_) {
    if (slot.count == 0) continue;
    slot.newest.stands_for = slot.count;
    summaries.push_back(std::move(slot.newest));
    slot = {};
  }
  kinds_waiting_ = 0;
  return summaries;
}

}  // namespace edgesentry::report
