#include "policy/decoys.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

namespace edgesentry::policy {

namespace {

std::uint32_t apart(std::uint32_t a, std::uint32_t b) noexcept {
  return std::min(a - b, b - a);
}

bool says_something(const scan::Alert& alert) noexcept {
  std::uint32_t count = 0;
  for (const scan::ProbeMark& mark : alert.probes_by_hash) count += mark.hash != 0;
  return count >= Decoys::kShared;
}

}  // namespace

Decoys::Decoys()
    : members_(kMembers),
      alerts_(kMembers),
      growths_(kMembers),
      traces_(kTraces),
      groups_(kMembers + 1) {
  idle_links_.links.resize(kMembers);
  group_links_.links.resize(kMembers);
  sorted_.reserve(kMembers);
  for (std::uint32_t group = kMembers; group > 0; --group) free_groups_.push_back(group);
}

Decoys::Advice Decoys::take(const scan::Alert& alert, const base::Ip& key, base::Micros now) {
  if (alert.kind == scan::AlertKind::touch) return Advice::decide_now;
  const bool is_proof = alert.kind == scan::AlertKind::proof;
  std::uint32_t at = find(key, now);
  if (at == kNobody) {
    if (is_proof) return Advice::wait;
    if (!says_something(alert)) return Advice::decide_now;
    at = claim(key);
    if (at == kNobody) return Advice::decide_now;
  }
  Member& member = members_[at];
  member.seen = now;
  learn(at, alert);
  file(at);
  if (is_proof) {
    // A handshake says all; an answer may still turn out to be one of several.
    if (member.state == State::spared && may_be_blocked(member)) hold(at, now);
    if (member.state == State::held && member.proven) hold(at, now);
    return Advice::wait;
  }
  if (member.state == State::held && !member.proven) return Advice::wait;
  if (member.proven || (held_.size() >= kHeldMax && may_be_blocked(member))) {
    settle(at, State::decided);
    return Advice::decide_now;
  }
  hold(at, held_.size() >= kHeldMax ? now : now + kGrace);
  return Advice::wait;
}

std::optional<Decoys::Settled> Decoys::next(base::Micros now, bool all) {
  const std::uint32_t at = owed_.first() != kNobody ? owed_.first() : held_.first();
  if (at == kNobody) return std::nullopt;
  Member& member = members_[at];
  if (owed_.first() == kNobody && !all && now < member.due) return std::nullopt;
  if (!member.owes_release && owes_now(member)) {
    member.owes_growth = false;
    file(at);
    return Settled{.fate = Fate::decide, .alert = growths_[at], .words = {}};
  }
  Settled settled{.fate = Fate::decide, .alert = alerts_[at], .words = words_of(at)};
  if (member.owes_release) {
    member.owes_release = false;
    if (member.state == State::decided) member.state = State::spared;
    file(at);
    settled.fate = Fate::release;
    return settled;
  }
  const bool is_blocked = may_be_blocked(member);
  settle(at, is_blocked ? State::decided : State::spared);
  if (!is_blocked) settled.fate = Fate::spare;
  return settled;
}

std::uint32_t Decoys::find(const base::Ip& key, base::Micros now) const noexcept {
  const std::uint32_t at = index_.find(key, by_source());
  if (at == kNobody || held_.contains(at) || owed_.contains(at)) return at;
  return base::elapsed(members_[at].seen, now) <= kLife ? at : kNobody;
}

// The source's own old place, an unused one, or that of whoever was heard of the longest ago.
std::uint32_t Decoys::claim(const base::Ip& key) {
  std::uint32_t at = index_.find(key, by_source());
  if (at == kNobody && used_ < kMembers) {
    at = used_++;
  } else {
    if (at == kNobody) at = idle_.first();
    if (at == kNobody) return kNobody;
    leave(at);
    idle_.remove(idle_links_, at);
    index_.erase(members_[at].source, by_source());
  }
  members_[at] = Member{.source = key, .seen = {}, .due = {}, .state = State::spared};
  alerts_[at] = {};
  index_.insert(key, at);
  idle_.push_back(idle_links_, at);
  return at;
}

void Decoys::learn(std::uint32_t at, const scan::Alert& alert) {
  Member& member = members_[at];
  const bool has_news = (alert.answers && !member.answers) || (alert.proven && !member.proven);
  if (member.group != 0 && has_news && !reacts(member)) ++groups_[member.group].reacting;
  member.answers |= alert.answers;
  member.proven |= alert.proven;
  scan::Alert& kept = alerts_[at];
  if (member.state == State::held) {
    if (alert.kind == scan::AlertKind::growth) {
      member.owes_growth = true;
      growths_[at] = alert;
    } else if (alert.kind == scan::AlertKind::decision) {  // contained before, and proven since
      kept.contained = alert.contained;
      kept.dropping = alert.dropping;
    }
  } else if (alert.kind != scan::AlertKind::proof) {
    kept = alert;
    link(at);
  }
  kept.answers = member.answers;
  kept.proven = member.proven;
  if (!has_news || member.group == 0) return;
  look_for_release(groups_[member.group].stands);
  look_for_release(at);
}

void Decoys::link(std::uint32_t at) {
  std::array<std::uint32_t, scan::ProbeMarks::kFirst + scan::ProbeMarks::kNewest> others{};
  std::size_t shared = 0;
  for (const scan::ProbeMark& mark : alerts_[at].probes_by_hash) {
    if (mark.hash == 0) continue;
    Trace& trace = traces_[mark.hash / 2 % kTraces];
    const bool is_same = trace.hash == mark.hash && apart(trace.at_ms, mark.at_ms) <= kApartMsMax;
    if (is_same && trace.member != at && sent(trace.member, mark)) others[shared++] = trace.member;
    trace = {mark.hash, mark.at_ms, at};
  }
  if (shared < kShared) return;
  for (std::size_t i = 0; i < shared; ++i) join(others[i], at);
}

// The smaller group goes into the larger one, so that a member moves O(log kMembers) times.
void Decoys::join(std::uint32_t a, std::uint32_t b) {
  std::uint32_t from = members_[a].group, into = members_[b].group;
  if (from != 0 && from == into) return;
  if (from == 0 && into == 0) {
    into = free_groups_.back();
    free_groups_.pop_back();
  }
  if (groups_[from].members.size() > groups_[into].members.size()) std::swap(from, into);
  const std::uint32_t stood[] = {groups_[from].stands, groups_[into].stands};
  while (groups_[from].members.size() > 0) {
    const std::uint32_t at = groups_[from].members.first();
    leave(at);
    enter(at, into);
  }
  for (const std::uint32_t at : {a, b})
    if (members_[at].group == 0) enter(at, into);
  for (const std::uint32_t at : {a, b, stood[0], stood[1]}) look_for_release(at);
}

void Decoys::enter(std::uint32_t at, std::uint32_t group) {
  members_[at].group = group;
  groups_[group].members.push_back(group_links_, at);
  groups_[group].reacting += reacts(members_[at]);
  groups_[group].is_lead_stale = true;
}

void Decoys::leave(std::uint32_t at) {
  const std::uint32_t number = std::exchange(members_[at].group, 0);
  if (number == 0) return;
  Group& group = groups_[number];
  group.members.remove(group_links_, at);
  group.reacting -= reacts(members_[at]);
  group.is_lead_stale = true;
  if (group.stands == at) group.stands = kNobody;
  if (group.members.size() == 0) free_groups_.push_back(number);
}

bool Decoys::sent(std::uint32_t member, const scan::ProbeMark& mark) const noexcept {
  if (member >= used_) return false;
  const auto& marks = alerts_[member].probes_by_hash;
  return std::any_of(marks.begin(), marks.end(), [&mark](const scan::ProbeMark& other) {
    return other.hash == mark.hash && apart(other.at_ms, mark.at_ms) <= kApartMsMax;
  });
}

bool Decoys::may_be_blocked(const Member& member) const noexcept {
  if (member.group == 0 || member.proven) return true;
  return member.answers && groups_[member.group].reacting == 1;
}

// A member that was decided and should not have been; the one that stands is remembered, as nobody
// else of its group can lose that right later.
void Decoys::look_for_release(std::uint32_t at) {
  if (at == kNobody) return;
  Member& member = members_[at];
  if (member.group == 0 || member.state != State::decided || member.owes_release) return;
  Group& group = groups_[member.group];
  const bool may_stand = may_be_blocked(member);
  if (may_stand && !member.proven) group.stands = at;
  if (group.stands == at && (!may_stand || member.proven)) group.stands = kNobody;
  if (may_stand) return;
  member.owes_release = true;
  file(at);
}

// Also one that is held already: a new time.
void Decoys::hold(std::uint32_t at, base::Micros due) {
  members_[at].state = State::held;
  members_[at].due = due;
  if (held_.contains(at))
    held_.sift(at, by_rank());
  else
    held_.push(at, by_rank());
  if (owed_.contains(at)) owed_.sift(at, by_rank());
  file(at);
}

void Decoys::settle(std::uint32_t at, State state) {
  Member& member = members_[at];
  if (held_.contains(at)) held_.erase(at, by_rank());
  member.state = state;
  if (state == State::spared) member.owes_growth = false;  // no scan of its own is reported
  file(at);
  look_for_release(at);
}

// Into the lists that its state asks for.
void Decoys::file(std::uint32_t at) {
  const Member& member = members_[at];
  const bool owes = owes_now(member);
  if (owes && !owed_.contains(at)) owed_.push(at, by_rank());
  if (!owes && owed_.contains(at)) owed_.erase(at, by_rank());
  const bool was_idle = idle_links_.links[at].before != kNoSlot || idle_.first() == at;
  if (was_idle) idle_.remove(idle_links_, at);
  if (!owes && member.state != State::held) idle_.push_back(idle_links_, at);
}

// Only after somebody came or went: members are settled many at a time.
void Decoys::look_for_lead(Group& group) {
  if (!std::exchange(group.is_lead_stale, false)) return;
  sorted_.clear();
  for (std::uint32_t i = group.members.first(); i != kNoSlot; i = group_links_.links[i].after)
    sorted_.push_back(i);
  const auto end = std::partial_sort_copy(
      sorted_.begin(), sorted_.end(), group.lead.begin(), group.lead.end(),
      [this](std::uint32_t a, std::uint32_t b) { return members_[a].source < members_[b].source; });
  std::fill(end, group.lead.end(), kNobody);
  for (std::size_t i = 0; i < group.lead.size(); ++i)
    if (group.lead[i] != kNobody) group.names[i] = members_[group.lead[i]].source.to_string();
}

std::string Decoys::words_of(std::uint32_t at) {
  const Member& member = members_[at];
  if (member.group == 0) return {};
  Group& group = groups_[member.group];
  const std::size_t others = group.members.size() - 1;
  if (others == 0) return {};
  look_for_lead(group);
  std::string text =
      fmt::format("; one of {} sources that sent the same probes is the scanner, ", others + 1);
  if (member.proven)
    text += "and this one completed a handshake";
  else if (member.answers && group.reacting == 1)
    text += "and this one alone answered a server";
  else if (group.reacting == 1)
    text += "and another one answered a server";
  else
    text += group.reacting == 0 ? "none answered a server" : "several answered a server";
  text += "; the others: ";
  std::size_t named = 0;
  for (std::size_t i = 0; i < std::min(others + 1, group.lead.size()) && named < kNamed; ++i) {
    if (group.lead[i] == at) continue;
    text += (named++ == 0 ? "" : ", ") + group.names[i];
  }
  if (others > named) text += fmt::format(" and {} more", others - named);
  return text;
}

}  // namespace edgesentry::policy
