#include "control/answer.h"

#include <fmt/core.h>

#include <utility>

namespace edgesentry::control {

namespace {

using policy::DecisionAction;
using report::Action;

// The worker drops the source on its own word; here that word is taken back.
void veto(ControlState& state, const scan::Alert& alert) {
  if (!alert.dropping) return;
  state.order(alert.source, scan::OrderKind::lift);
  state.numbers.blocks_vetoed.add(1);
}

report::Event event_of(const ControlState& state, Action action, const scan::Alert& alert) {
  report::Event event = state.event_of(action, alert.source);
  event.time = state.wall_of(alert.last_seen);
  event.alert = alert;
  return event;
}

// Sets how many reports the event stands for; false: hold it back.
bool may_speak(ControlState& state, policy::Entry& entry, report::Event& event) {
  if (state.now.monotonic < entry.speak_again) {
    ++entry.held_events;
    state.numbers.events_coalesced.add(1);
    return false;
  }
  event.stands_for = 1 + std::exchange(entry.held_events, 0);
  entry.speak_again = state.now.monotonic + kQuietPerSource;
  return true;
}

void report_only(ControlState& state, const scan::Alert& alert, const policy::Decision& decision) {
  policy::Entry& entry = state.ledger.note(alert, state.now.monotonic);
  const bool is_touch = alert.kind == scan::AlertKind::touch;
  Action action = is_touch ? Action::port_touched : Action::scan_detected;
  if (decision.already_blocked && !is_touch) action = Action::scan_grew;
  report::Event event = state.event_of(action, alert.source);
  if (!may_speak(state, entry, event)) return;
  event.time = state.wall_of(alert.last_seen);
  event.alert = alert;
  event.offence = entry.offences;
  event.ignored = decision.action == DecisionAction::ignore;
  event.block_failed = decision.action == DecisionAction::refuse_rate;
  event.already_blocked = entry.standing == policy::Standing::blocked;
  event.text = policy::sentence(decision, alert, event.source);
  if (decision.already_blocked && state.enforces() &&
      event.enforcement != report::Enforcement::packets)
    event.text = policy::scan_sentence(alert, event.source) + "; it is reported already";
  state.say(std::move(event));
}

void say_block(ControlState& state, const scan::Alert& alert, const policy::Decision& decision) {
  report::Event detected = event_of(state, Action::scan_detected, alert);
  detected.offence = decision.offence;
  detected.text = policy::scan_sentence(alert, detected.source);
  const bool is_real = decision.action == DecisionAction::block;
  report::Event blocked =
      event_of(state, is_real ? Action::source_blocked : Action::would_block, alert);
  blocked.offence = decision.offence;
  blocked.block_for = decision.duration;
  blocked.text = policy::sentence(decision, alert, blocked.source);
  if (is_real && blocked.enforcement != report::Enforcement::packets)
    blocked.text = fmt::format(
        "{}; reported for {}, offence {}; {}", policy::scan_sentence(alert, blocked.source),
        policy::in_words(decision.duration), decision.offence, state.enforcement_words());
  state.say(std::move(detected));
  state.say(std::move(blocked));
}

void say_ledger_full(ControlState& state, const scan::Alert& alert) {
  policy::Entry& entry = state.ledger.note(alert, state.now.monotonic);
  report::Event event = event_of(state, Action::scan_detected, alert);
  if (!may_speak(state, entry, event)) return;
  event.block_failed = true;
  event.text = policy::scan_sentence(alert, event.source) +
               "; not blocked: table.blocks sources are blocked already, which is the most that "
               "the workers' tables hold";
  state.say(std::move(event));
}

// Where a new block finds no room, the detectors' block that ends first makes it, of all of them
// and the new one.
void make_room(ControlState& state, const base::Ip& source, std::chrono::seconds duration) {
  const config::Failure& failure = state.config.failure;
  const enforce::Enforcer* kernel = state.kernel_filter();
  const bool is_table = failure.table_full == config::TableFull::shed && state.ledger.is_full();
  const bool is_kernel = failure.rules_full == config::RulesFull::shed && kernel != nullptr &&
                         state.config.placement != config::Placement::inline_ &&
                         kernel->health().waiting > 0;
  if ((!is_table && !is_kernel) || state.ledger.blocks(source, state.now.monotonic)) return;
  const policy::Entry* first = state.ledger.soonest_to_end();
  const base::Micros ends =
      state.now.monotonic + base::seconds(static_cast<std::uint64_t>(duration.count()));
  if (first == nullptr || first->until > ends) return;
  report::Event event = state.event_of(Action::source_unblocked, first->source);
  event.text = fmt::format(
      "{} is no longer blocked: {} has no room, and of all blocks its ends "
      "first; a new one takes its place",
      event.source.to_string(), is_table ? "table.blocks" : "the kernel");
  state.lift(base::Ip(first->source));
  state.numbers.blocks_shed.add(1);
  state.say(std::move(event));
}

void block(ControlState& state, const scan::Alert& alert, const policy::Decision& decision) {
  const bool is_real = decision.action == DecisionAction::block;
  if (is_real) make_room(state, alert.source, decision.duration);
  const auto result = state.ledger.block({.source = alert.source,
                                          .alert = &alert,
                                          .shadow = !is_real,
                                          .duration = decision.duration,
                                          .reason = {}},
                                         state.now.monotonic);
  if (result.has_ended && result.ended == policy::Standing::blocked)
    state.numbers.blocks_expired.add(1);
  if (result.outcome == policy::BlockOutcome::full) {
    state.numbers.blocks_refused.add(1);
    if (is_real && state.config.failure.table_full == config::TableFull::contain)
      state.order(alert.source, scan::OrderKind::contain);
    else
      veto(state, alert);
    say_ledger_full(state, alert);
    return;
  }
  if (is_real) {
    state.order(alert.source, scan::OrderKind::block);
    state.numbers.blocks_added.add(1);
  } else {
    veto(state, alert);  // observe mode, and a worker that has not heard of it yet
  }
  result.entry->speak_again = state.now.monotonic + kQuietPerSource;
  say_block(state, alert, decision);
}

// Known already: the evidence grows. A worker that lost its verdict is told again.
void confirm(ControlState& state, const scan::Alert& alert, const policy::Decision& decision) {
  const policy::Entry* entry = state.ledger.find(alert.source);
  const bool is_real = entry != nullptr && entry->standing == policy::Standing::blocked;
  if (is_real && state.enforces() && !alert.dropping)
    state.order(alert.source, scan::OrderKind::block);
  if (!state.enforces()) veto(state, alert);
  report_only(state, alert, decision);
}

// By value: what goes on to ledger and logs has the severity that history gives it.
void answer_now(ControlState& state, scan::Alert alert) {
  const policy::Rules rules{.exempt = state.exempt,
                            .enforce = state.enforces() && state.may_block(),
                            .needed = state.needed_proof};
  const auto decision =
      policy::decide(alert, state.ledger, rules, state.budget, state.now.monotonic);
  alert.severity = decision.severity;
  state.numbers.severities[static_cast<std::size_t>(alert.severity)].add(1);
  state.numbers.decisions[static_cast<std::size_t>(decision.action)].add(1);
  state.top.see(state.ledger.key_of(alert.source), alert.probes);
  switch (decision.action) {
    case DecisionAction::block:
    case DecisionAction::would_block:
      block(state, alert, decision);
      return;
    case DecisionAction::ignore:
    case DecisionAction::refuse_rate:
      veto(state, alert);
      report_only(state, alert, decision);
      return;
    case DecisionAction::contain:
      if (!alert.contained) state.order(alert.source, scan::OrderKind::contain);
      report_only(state, alert, decision);
      return;
    case DecisionAction::report:
      if (decision.is_stale) {
        state.numbers.alerts_stale.add(1);
        if (alert.dropping) state.order(alert.source, scan::OrderKind::lift);
        return;
      }
      if (decision.already_blocked) {
        confirm(state, alert, decision);
        return;
      }
      veto(state, alert);  // a touch is below the trigger: no worker should drop for it
      report_only(state, alert, decision);
      return;
  }
}

// A distributed scan as a whole is only said; its members are answered one by one.
void answer_clue(ControlState& state, const scan::Alert& clue) {
  for (const policy::CrowdFinding& finding : state.crowds.take(clue, state.now.monotonic)) {
    if (!finding.is_whole) {
      answer_now(state, finding.alert);
      continue;
    }
    const bool is_growth = finding.alert.kind == scan::AlertKind::growth;
    report::Event event =
        event_of(state, is_growth ? Action::scan_grew : Action::scan_detected, finding.alert);
    event.text = policy::crowd_sentence(finding);
    state.say(std::move(event));
  }
}

// One of a group of sources with the same probes, and not known to be the one that sent them.
void spare(ControlState& state, const policy::Decoys::Settled& settled) {
  veto(state, settled.alert);
  policy::Entry& entry = state.ledger.note(settled.alert, state.now.monotonic);
  report::Event event = event_of(state, Action::scan_detected, settled.alert);
  if (!may_speak(state, entry, event)) return;
  event.offence = entry.offences;
  event.text = policy::scan_sentence(settled.alert, event.source) + "; not blocked" + settled.words;
  state.say(std::move(event));
}

void take_back(ControlState& state, const policy::Decoys::Settled& settled) {
  if (!state.lift(settled.alert.source, LiftKind::pardon)) return;
  report::Event event = state.event_of(Action::source_unblocked, settled.alert.source);
  event.text = fmt::format("{} is let in again{}", event.source.to_string(), settled.words);
  state.say(std::move(event));
}

}  // namespace

void answer(ControlState& state, const scan::Alert& alert) {
  if (alert.kind == scan::AlertKind::clue) {
    answer_clue(state, alert);
    return;
  }
  const base::Ip key = state.ledger.key_of(alert.source);
  const bool is_proof = alert.kind == scan::AlertKind::proof;
  const bool is_settled =
      state.exempt.contains(alert.source) || state.ledger.blocks(alert.source, state.now.monotonic);
  if (!is_proof && is_settled) {
    answer_now(state, alert);
    return;
  }
  if (state.decoys.take(alert, key, state.now.monotonic) == policy::Decoys::Advice::decide_now)
    answer_now(state, alert);
}

bool answer_waiting(ControlState& state, std::size_t count_max, bool all) {
  for (std::size_t i = 0; i < count_max; ++i) {
    const auto settled = state.decoys.next(state.now.monotonic, all);
    if (!settled.has_value()) return true;
    switch (settled->fate) {
      case policy::Decoys::Fate::decide: {
        const std::size_t said = state.events.size();
        answer_now(state, settled->alert);
        if (state.events.size() > said) state.events.back().text += settled->words;
        break;
      }
      case policy::Decoys::Fate::spare:
        spare(state, *settled);
        break;
      case policy::Decoys::Fate::release:
        take_back(state, *settled);
        break;
    }
  }
  return false;
}

}  // namespace edgesentry::control
