#include "enforce/flow_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace edgesentry::enforce {

namespace {

// For validate(); from the ranges for documentation (RFC 5737, RFC 3849).
constexpr base::Ip kSampleV4 = base::Ip::v4(0xc0000201);
constexpr base::Ip kSampleV6 = base::Ip::from_bytes({0x20, 0x01, 0x0d, 0xb8});

constexpr int kRemoveTries = 3;

std::uint64_t heat_of(double rate, base::Micros seen) {
  const double halvings = std::log2(1.0 + std::max(rate, 0.0));
  const auto bonus = static_cast<double>(FlowTable::kHalving.value) * halvings;
  return seen.value + static_cast<std::uint64_t>(bonus);
}

base::Micros doubled(base::Micros patience, base::Micros first, base::Micros most) {
  return std::clamp(base::Micros{2 * patience.value}, first, most);
}

}  // namespace

base::Status FlowTable::validate() {
  const base::Status v4 = port_.validate(kSampleV4, false);
  takes_v4_ = v4.ok();
  takes_v6_ = port_.validate(kSampleV6, false).ok();
  losses_ = port_.losses();
  if (!takes_v4_ && !takes_v6_) return v4;
  is_counted_ = (!takes_v4_ || port_.validate(kSampleV4, true).ok()) &&
                (!takes_v6_ || port_.validate(kSampleV6, true).ok());
  return {};
}

std::size_t FlowTable::limit() const noexcept {
  return std::min({capacity_, trial_, settings_.rules_max == 0 ? kUnlimited : settings_.rules_max});
}

void FlowTable::limit_to_present(bool is_on) {
  if (is_on != (trial_ != kUnlimited)) trial_ = is_on ? programmed_.size() : kUnlimited;
}

void FlowTable::place(const base::Ip& source, Source& entry, Place where) {
  if (entry.place == Place::waiting) waiting_.erase({entry.heat, source});
  if (entry.place == Place::programmed) programmed_.erase({entry.heat, source});
  if (entry.place == Place::leaving) leaving_.erase(source);
  entry.place = where;
  if (where == Place::waiting) waiting_.insert({entry.heat, source});
  if (where == Place::programmed) programmed_.insert({entry.heat, source});
  if (where == Place::leaving) leaving_.insert(source);
}

void FlowTable::want(const base::Ip& source, double rate, base::Micros seen) {
  if (!takes(source)) return;
  const std::uint64_t heat = heat_of(rate, seen);
  const auto found = sources_.find(source);
  if (found != sources_.end()) {
    Source& entry = found->second;
    entry.walk = walk_;
    const Place where = entry.place == Place::leaving ? Place::programmed : entry.place;
    const std::uint64_t hotter = std::max(entry.heat, heat);
    if (where == entry.place && hotter == entry.heat) return;
    place(source, entry, Place::aside);  // out of every list while its rank changes
    entry.heat = hotter;
    place(source, entry, where);
    return;
  }
  if (sources_.size() >= settings_.sources_max) {
    has_forgotten_ = true;
    if (waiting_.empty() || *waiting_.begin() >= Rank{heat, source}) return;
    sources_.erase(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
  }
  Source& entry = sources_[source];
  entry.heat = heat;
  entry.walk = walk_;
  place(source, entry, Place::waiting);
}

void FlowTable::unwant(const base::Ip& source) {
  const auto found = sources_.find(source);
  if (found == sources_.end()) return;
  Source& entry = found->second;
  if (entry.rule != 0) return place(source, entry, Place::leaving);
  place(source, entry, Place::aside);
  sources_.erase(found);
}

void FlowTable::end_walk() {
  std::vector<base::Ip> stale;
  for (const auto& [source, entry] : sources_)
    if (entry.walk != walk_) stale.push_back(source);
  for (const base::Ip& source : stale) unwant(source);
}

void FlowTable::set_bypass(bool is_on) {
  if (is_on == is_bypassed_) return;
  is_bypassed_ = is_on;
  if (is_on) must_flush_ = true;
}

// The handles mean nothing any more, or will mean nothing in a moment.
void FlowTable::forget_rules() {
  while (!leaving_.empty()) {
    const base::Ip source = *leaving_.begin();
    sources_[source].rule = 0;
    unwant(source);
  }
  while (!programmed_.empty()) {
    const base::Ip source = programmed_.begin()->second;
    Source& entry = sources_[source];
    entry.rule = 0;
    place(source, entry, Place::waiting);
  }
  to_look_at_.clear();
}

bool FlowTable::flush(base::Micros now) {
  if (now < pause_until_) return false;
  const FlowApi::Answer answer = port_.flush();
  forget_rules();  // rte_flow_flush(3): after a failure no handle is valid either
  must_flush_ = answer.outcome != FlowApi::Outcome::done;
  if (must_flush_) fail("its rules cannot be removed", answer.fault, now);
  return !must_flush_;
}

void FlowTable::step(bool may_create) {
  const base::Micros now = settings_.now();
  if (const std::uint64_t losses = port_.losses(); losses != losses_) {
    losses_ = losses;
    must_flush_ = true;
    ++numbers_.replays;
  }
  if (must_flush_ && !flush(now)) return;
  if (is_bypassed_) return;
  Allowance allowance{.table = *this, .until = now + kTimePerStep};
  if (!remove_leaving(allowance) || !may_create || now < pause_until_) return;
  bring_back(now);
  create_some(allowance);
  look(allowance, now);
  const bool is_settled = waiting_.empty() || programmed_.size() >= limit();
  if (is_settled && aside_.empty() && !must_flush_ && limit() > 0) trouble_.clear();
}

// True: none is left.
bool FlowTable::remove_leaving(Allowance& allowance) {
  while (!leaving_.empty()) {
    const base::Micros now = settings_.now();
    if (now < pause_until_ || !allowance.take()) return false;
    const base::Ip source = *leaving_.begin();
    Source& entry = sources_[source];
    if (!destroy(source, entry)) return false;
    unwant(source);
  }
  return true;
}

// On success the source has no rule.
bool FlowTable::destroy(const base::Ip& source, Source& entry) {
  const FlowApi::Answer answer = port_.destroy(entry.rule);
  switch (answer.outcome) {
    case FlowApi::Outcome::gone:
      must_flush_ = true;  // then others are gone as well, most likely
      ++numbers_.replays;
      [[fallthrough]];
    case FlowApi::Outcome::done:
      entry.rule = 0;
      refusals_ = 0;
      return true;
    default:
      // Some drivers have freed the handle even so: it is not touched again, but all rules go.
      must_flush_ = true;
      ++numbers_.failures;
      trouble_ =
          fmt::format("the rule of {} cannot be removed ({})", source.to_string(), answer.fault);
      return false;
  }
}

void FlowTable::bring_back(base::Micros now) {
  for (; !aside_.empty() && aside_.front().first <= now; aside_.pop_front()) {
    const base::Ip source = aside_.front().second;
    const auto found = sources_.find(source);
    if (found != sources_.end() && found->second.place == Place::aside)
      place(source, found->second, Place::waiting);
  }
}

void FlowTable::create_some(Allowance& allowance) {
  if (capacity_ != kUnlimited && settings_.now() >= raise_again_ && !waiting_.empty()) {
    capacity_before_ = capacity_;
    capacity_ = kUnlimited;
  }
  while (!waiting_.empty() && !must_flush_) {
    const base::Micros now = settings_.now();
    if (now < pause_until_ || !allowance.take()) return;
    if (programmed_.size() >= limit() && !make_room()) return;
    const base::Ip source = waiting_.rbegin()->second;
    if (!create(source, sources_[source], now)) return;
  }
}

// The coldest rule makes way for a hotter source. False: there is none, or it does not go.
bool FlowTable::make_room() {
  if (programmed_.empty() || *waiting_.rbegin() <= *programmed_.begin()) return false;
  const base::Ip source = programmed_.begin()->second;
  Source& entry = sources_[source];
  if (!destroy(source, entry)) return false;
  place(source, entry, Place::waiting);
  return !must_flush_;
}

// False: nothing more for now.
bool FlowTable::create(const base::Ip& source, Source& entry, base::Micros now) {
  FlowApi::Answer answer = port_.create(source, is_counted_);
  if (answer.outcome == FlowApi::Outcome::done) {
    entry.rule = answer.rule;
    entry.packets = 0;
    entry.counted = now;
    place(source, entry, Place::programmed);
    ++numbers_.created;
    refusals_ = 0;
    pause_ = {};
    return true;
  }
  if (answer.outcome == FlowApi::Outcome::full) {
    meet_capacity(std::move(answer.fault), now);
    return false;
  }
  place(source, entry, Place::aside);
  aside_.emplace_back(now + kAside, source);
  fail(fmt::format("no rule can be made for {}", source.to_string()), answer.fault, now);
  return true;
}

void FlowTable::meet_capacity(std::string fault, base::Micros now) {
  const bool is_more = programmed_.size() > capacity_before_;
  raise_patience_ = is_more ? kRaiseFirst : doubled(raise_patience_, kRaiseFirst, kRaiseMost);
  raise_again_ = now + raise_patience_;
  capacity_ = capacity_before_ = programmed_.size();
  if (capacity_ == 0) trouble_ = fmt::format("it has no room for a single rule ({})", fault);
}

void FlowTable::look(Allowance& allowance, base::Micros now) {
  if (!is_counted_) return;
  if (to_look_at_.empty() && now >= look_again_) {
    look_again_ = now + kLookEvery;
    for (const Rank& rank : programmed_) to_look_at_.push_back(rank.second);
  }
  while (!to_look_at_.empty() && !must_flush_ && allowance.take()) {
    const base::Ip source = to_look_at_.back();
    to_look_at_.pop_back();
    const auto found = sources_.find(source);
    if (found == sources_.end() || found->second.place != Place::programmed) continue;
    take_count(source, found->second, now);
  }
}

void FlowTable::take_count(const base::Ip& source, Source& entry, base::Micros now) {
  const FlowApi::Answer answer = port_.count(entry.rule);
  if (answer.outcome == FlowApi::Outcome::gone) {
    must_flush_ = true;
    ++numbers_.replays;
    return;
  }
  if (answer.outcome != FlowApi::Outcome::done) {
    ++numbers_.failures;
    return;
  }
  const std::uint64_t more = answer.packets - std::min(answer.packets, entry.packets);
  const base::Micros since = base::elapsed(entry.counted, now);
  entry.packets = answer.packets;
  entry.counted = now;
  numbers_.packets += more;
  place(source, entry, Place::aside);
  if (more == 0)
    entry.heat -= std::min(entry.heat, kCooling * since.value);
  else if (since.value > 0)
    entry.heat = heat_of(static_cast<double>(more) * 1e6 / static_cast<double>(since.value), now);
  place(source, entry, Place::programmed);
}

void FlowTable::fail(std::string_view what, const std::string& fault, base::Micros now) {
  ++numbers_.failures;
  trouble_ = fmt::format("{} ({})", what, fault);
  if (++refusals_ < kRefusalsInARow && pause_ == base::Micros{} && !must_flush_) return;
  pause_ = doubled(pause_, kPauseFirst, kPauseMost);
  pause_until_ = now + pause_;
}

base::Status FlowTable::remove_all() {
  FlowApi::Answer answer;
  for (int tries = 0; tries < kRemoveTries; ++tries) {
    answer = port_.flush();
    forget_rules();
    if (answer.outcome == FlowApi::Outcome::done) return {};
  }
  return base::Error{fmt::format(
      "{}: its drop rules cannot be removed ({}); most NICs end them when the port is closed, "
      "all when it is reset",
      port_.label(), answer.fault)};
}

FlowTable::Numbers FlowTable::numbers() const noexcept {
  Numbers numbers = numbers_;
  numbers.programmed = programmed_.size();
  const std::size_t room = limit() > programmed_.size() ? limit() - programmed_.size() : 0;
  numbers.pending = leaving_.size() + (is_bypassed_ ? 0 : std::min(waiting_.size(), room));
  numbers.capacity = limit() == kUnlimited ? 0 : limit();
  // A limit of the configuration is no failure.
  const bool is_full = std::min(capacity_, trial_) <= programmed_.size();
  numbers.waiting = is_full && !is_bypassed_ ? waiting_.size() : 0;
  return numbers;
}

}  // namespace edgesentry::enforce
