// The order of the questions is the policy; see decide.h.
#include "policy/decide.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "scan/severity.h"

namespace edgesentry::policy {

namespace {

constexpr std::array<std::string_view, scan::kReasonNames.size()> kReasonWords = {
    "it touched watched ports",
    "its probes have flags that no TCP stack sends",
    "its attempts kept failing",
    "it tried too many ports",
    "it tried too many targets",
    "its logins kept being refused",
    "its payloads are those of scanners and exploits",
    "it is one of many sources of one scan",
    "it asked for one address after the other"};

bool in_force(const Entry& entry, base::Micros now) {
  return (entry.standing == Standing::blocked || entry.standing == Standing::shadow) &&
         now < entry.until;
}

// A shadow does not answer the source; once the mode is `enforce`, it no longer counts.
bool is_answered(const Entry& entry, const Rules& rules, base::Micros now) {
  return in_force(entry, now) && (entry.standing == Standing::blocked || !rules.enforce);
}

// Evidence from before the end of a block was about that block: the alert crossed the lift.
bool is_stale(const Entry& entry, const scan::Alert& alert, base::Micros now) {
  const bool is_over = entry.standing == Standing::blocked && now >= entry.until;
  return alert.last_seen < (is_over ? entry.until : entry.released);
}

// Blocks of the source that were over before this alert.
std::uint32_t offences_before(const Entry* known, const Ledger& ledger, base::Micros now) {
  if (known == nullptr) return 0;
  if (in_force(*known, now)) return known->offences - std::min(known->offences, 1u);
  return ledger.next_offence(known, now) - 1;
}

std::string_view plural(std::uint64_t count) {
  return count == 1 ? "" : "s";
}

// Anybody on a link can send ARP in anybody's name, and a sweep from afar makes a router ask.
bool may_block(const scan::Alert& alert) {
  return alert.technique != scan::Technique::arp;
}

}  // namespace

bool BlockBudget::try_take(base::Micros now) noexcept {
  const std::uint64_t second = now.value / 1'000'000;
  // A clock that steps back counts into the newest second.
  for (std::uint64_t gap = std::min(second > second_ ? second - second_ : 0, kSeconds); gap > 0;
       --gap) {
    auto& oldest = per_second_[(second - gap + 1) % kSeconds];
    taken_ -= oldest;
    oldest = 0;
  }
  second_ = std::max(second_, second);
  if (taken_ >= max_) return false;
  ++taken_;
  ++per_second_[second_ % kSeconds];
  return true;
}

Decision decide(const scan::Alert& alert, const Ledger& ledger, const Rules& rules,
                BlockBudget& budget, base::Micros now) {
  Decision decision;
  const Entry* known = ledger.find(alert.source);
  decision.severity = scan::severity_of(alert, offences_before(known, ledger, now));
  if (rules.exempt.contains(alert.source)) {
    decision.action = DecisionAction::ignore;
    decision.exempt = rules.exempt.why(alert.source).value_or(decision.exempt);
    return decision;
  }
  if (known != nullptr) {
    decision.already_blocked = is_answered(*known, rules, now);
    decision.is_stale = !decision.already_blocked && is_stale(*known, alert, now);
    decision.offence = known->offences;
    if (decision.already_blocked || decision.is_stale) return decision;
  }
  const bool is_report =
      alert.kind == scan::AlertKind::touch || alert.kind == scan::AlertKind::clue;
  if (is_report || !may_block(alert)) return decision;
  if (rules.enforce && !scan::is_enough(rules.needed, alert.answers, alert.proven)) {
    decision.action = DecisionAction::contain;
    return decision;
  }
  // The budget is there for forged sources, and those complete no handshake.
  if (!alert.proven && !budget.try_take(now)) {
    decision.action = DecisionAction::refuse_rate;
    return decision;
  }
  decision.action = rules.enforce ? DecisionAction::block : DecisionAction::would_block;
  decision.offence = ledger.next_offence(known, now);
  decision.duration = ledger.ladder_step(decision.offence);
  return decision;
}

std::string in_words(std::chrono::seconds duration) {
  struct Unit {
    std::int64_t seconds;
    std::string_view name;
  };
  constexpr std::array<Unit, 4> kUnits = {
      {{86'400, "day"}, {3'600, "hour"}, {60, "minute"}, {1, "second"}}};
  std::int64_t left = std::max<std::int64_t>(duration.count(), 0);
  std::string words;
  for (std::size_t i = 0, said = 0; i < kUnits.size() && said < 2; ++i) {
    const std::int64_t count = left / kUnits[i].seconds;
    left %= kUnits[i].seconds;
    if (count == 0 && said > 0) break;
    if (count == 0) continue;
    words += fmt::format("{}{} {}{}", words.empty() ? "" : " ", count, kUnits[i].name,
                         plural(static_cast<std::uint64_t>(count)));
    ++said;
  }
  return words.empty() ? "0 seconds" : words;
}

std::string scan_sentence(const scan::Alert& alert, const base::Prefix& source) {
  const auto span = std::chrono::seconds(
      (base::elapsed(alert.first_seen, alert.last_seen).value + 999'999) / 1'000'000);
  std::string text =
      fmt::format("{} sent {} probe{} to {} port{} of {} target{} within {} ({} {} scan); ",
                  source.to_string(), alert.probes, plural(alert.probes), alert.port_count,
                  plural(alert.port_count), alert.target_count, plural(alert.target_count),
                  in_words(std::max(span, std::chrono::seconds(1))),
                  scan::to_string(alert.technique), scan::to_string(alert.shape));
  const auto reason = static_cast<std::size_t>(alert.reason);
  text += reason < kReasonWords.size() ? kReasonWords[reason] : "a detector fired";
  return text;
}

std::string sentence(const Decision& decision, const scan::Alert& alert,
                     const base::Prefix& source) {
  std::string text = scan_sentence(alert, source);
  switch (decision.action) {
    case DecisionAction::block:
      text += fmt::format("; blocked for {}, offence {}", in_words(decision.duration),
                          decision.offence);
      break;
    case DecisionAction::would_block:
      text += fmt::format("; would be blocked for {}, offence {}, but the mode is observe",
                          in_words(decision.duration), decision.offence);
      break;
    case DecisionAction::ignore:
      text += fmt::format("; not blocked: {}", words_for(decision.exempt));
      break;
    case DecisionAction::refuse_rate:
      text += "; not blocked: block.per_minute_max new blocks were made in the last minute";
      break;
    case DecisionAction::contain:
      text += "; contained: nothing shows yet that it sent this, so it reaches live services only";
      break;
    case DecisionAction::report:
      if (!may_block(alert))
        text += "; not blocked: ARP proves nothing about who sent it";
      else if (decision.already_blocked)
        text += "; it is blocked already";
      else if (alert.kind == scan::AlertKind::clue && alert.reason == scan::Reason::failed_logins)
        text += "; not blocked: so few refused logins may be mistakes";
      else if (alert.kind == scan::AlertKind::clue)
        text += "; not blocked: so few packets may be forged in its name";
      else
        text += "; below the trigger";
      break;
  }
  return text;
}

}  // namespace edgesentry::policy
