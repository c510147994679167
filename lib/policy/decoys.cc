#include "policy/decoys.h"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>

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

Decoys::Decoys() : members_(kMembers), alerts_(kMembers), growths_(kMembers), traces_(kTraces) {}

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
  if (is_proof) {
    // A handshake says all; an answer may still turn out to be one of several.
    if (member.state == State::spared && may_be_blocked(member)) hold(at, now);
    if (member.state == State::held && member.proven) member.due = now;
    return Advice::wait;
  }
  if (member.state == State::held && !member.proven) return Advice::wait;
  if (member.proven || held_ >= kHeldMax) {
    settle(at, State::decided);
    return Advice::decide_now;
  }
  hold(at, now + kGrace);
  return Advice::wait;
}

std::optional<Decoys::Settled> Decoys::next(base::Micros now, bool all) {
  if (held_ == 0 && owed_ == 0) return std::nullopt;
  std::uint32_t best = kNobody;
  for (std::uint32_t i = 0; i < kMembers; ++i) {
    const Member& member = members_[i];
    const bool is_due = member.state == State::held && (all || member.due <= now);
    if (!is_due && !owes_now(member)) continue;
    const auto rank = [this](std::uint32_t m) {
      return std::tuple(!owes_now(members_[m]), members_[m].due, members_[m].source);
    };
    if (best == kNobody || rank(i) < rank(best)) best = i;
  }
  if (best == kNobody) return std::nullopt;
  Member& member = members_[best];
  Settled settled{.fate = Fate::decide, .alert = alerts_[best], .words = words_of(member)};
  if (member.owes_release) {
    member.owes_release = false;
    --owed_;
    member.state = State::spared;
    settled.fate = Fate::release;
    return settled;
  }
  if (owes_now(member)) {
    member.owes_growth = false;
    --owed_;
    settled.alert = growths_[best];
    settled.words.clear();
    return settled;
  }
  const bool is_blocked = may_be_blocked(member);
  settle(best, is_blocked ? State::decided : State::spared);
  if (!is_blocked) settled.fate = Fate::spare;
  return settled;
}

std::uint32_t Decoys::find(const base::Ip& key, base::Micros now) const noexcept {
  for (std::uint32_t i = 0; i < kMembers; ++i)
    if (members_[i].source == key && members_[i].state != State::unused)
      return base::elapsed(members_[i].seen, now) <= kLife || members_[i].state == State::held
                 ? i
                 : kNobody;
  return kNobody;
}

// An unused place, the source's own old one, or that of whoever was heard of the longest ago.
std::uint32_t Decoys::claim(const base::Ip& key) noexcept {
  std::uint32_t best = kNobody;
  for (std::uint32_t i = 0; i < kMembers; ++i) {
    const Member& member = members_[i];
    if (member.state == State::held || owes_now(member)) continue;
    const bool is_own = member.state != State::unused && member.source == key;
    if (is_own) {
      best = i;
      break;
    }
    const auto age = [this](std::uint32_t m) {
      return std::tuple(members_[m].state != State::unused, members_[m].seen);
    };
    if (best == kNobody || age(i) < age(best)) best = i;
  }
  if (best == kNobody) return best;
  members_[best] = Member{.source = key, .seen = {}, .due = {}, .state = State::spared};
  alerts_[best] = {};
  return best;
}

void Decoys::learn(std::uint32_t at, const scan::Alert& alert) noexcept {
  Member& member = members_[at];
  const bool has_news = (alert.answers && !member.answers) || (alert.proven && !member.proven);
  member.answers |= alert.answers;
  member.proven |= alert.proven;
  scan::Alert& kept = alerts_[at];
  if (member.state == State::held) {
    if (alert.kind == scan::AlertKind::growth) {
      owed_ += !member.owes_growth;
      member.owes_growth = true;
      growths_[at] = alert;
    }
  } else if (alert.kind != scan::AlertKind::proof) {
    kept = alert;
    link(at);
  }
  kept.answers = member.answers;
  kept.proven = member.proven;
  if (has_news && member.group != 0) look_for_releases(member.group);
}

void Decoys::link(std::uint32_t at) noexcept {
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

bool Decoys::sent(std::uint32_t member, const scan::ProbeMark& mark) const noexcept {
  if (members_[member].state == State::unused) return false;
  const auto& marks = alerts_[member].probes_by_hash;
  return std::any_of(marks.begin(), marks.end(), [&mark](const scan::ProbeMark& other) {
    return other.hash == mark.hash && apart(other.at_ms, mark.at_ms) <= kApartMsMax;
  });
}

void Decoys::join(std::uint32_t a, std::uint32_t b) noexcept {
  const std::uint32_t from = members_[a].group, into = members_[b].group;
  if (from != 0 && from == into) return;
  const std::uint32_t group = into != 0 ? into : from != 0 ? from : ++groups_;
  if (from != 0 && into != 0)
    for (Member& member : members_)
      if (member.group == from) member.group = group;
  members_[a].group = members_[b].group = group;
  look_for_releases(group);
}

bool Decoys::may_be_blocked(const Member& member) const noexcept {
  if (member.group == 0 || member.proven) return true;
  if (!member.answers) return false;
  return std::none_of(members_.begin(), members_.end(), [&member](const Member& other) {
    return &other != &member && other.group == member.group && (other.answers || other.proven);
  });
}

void Decoys::look_for_releases(std::uint32_t group) noexcept {
  std::uint32_t reacting = 0;
  for (const Member& member : members_)
    reacting += member.group == group && (member.answers || member.proven);
  for (Member& member : members_) {
    if (member.group != group || member.state != State::decided || member.proven) continue;
    if ((member.answers && reacting == 1) || member.owes_release) continue;
    member.owes_release = true;
    ++owed_;
  }
}

void Decoys::hold(std::uint32_t at, base::Micros due) noexcept {
  members_[at].state = State::held;
  members_[at].due = due;
  ++held_;
}

void Decoys::settle(std::uint32_t at, State state) noexcept {
  Member& member = members_[at];
  if (member.state == State::held) --held_;
  member.state = state;
  if (state != State::spared || !member.owes_growth) return;
  member.owes_growth = false;  // it is not reported as a scan of its own
  --owed_;
}

std::string Decoys::words_of(const Member& member) const {
  constexpr std::size_t kNamed = 8;
  if (member.group == 0) return {};
  std::vector<base::Ip> others;
  std::uint32_t reacting = 0;
  for (const Member& other : members_) {
    if (other.group != member.group) continue;
    reacting += other.answers || other.proven;
    if (&other != &member) others.push_back(other.source);
  }
  if (others.empty()) return {};
  std::sort(others.begin(), others.end());
  std::string text = fmt::format("; one of {} sources that sent the same probes is the scanner, ",
                                 others.size() + 1);
  if (member.proven)
    text += "and this one completed a handshake";
  else if (member.answers && reacting == 1)
    text += "and this one alone answered a server";
  else if (reacting == 1)
    text += "and another one answered a server";
  else
    text += reacting == 0 ? "none answered a server" : "several answered a server";
  text += "; the others: ";
  for (std::size_t i = 0; i < std::min(others.size(), kNamed); ++i)
    text += (i == 0 ? "" : ", ") + others[i].to_string();
  if (others.size() > kNamed) text += fmt::format(" and {} more", others.size() - kNamed);
  return text;
}

}  // namespace edgesentry::policy
