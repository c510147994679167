// The control thread's story; see the header. The verbs of run_round() follow in its order.
#include "control/control_loop.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "control/answer.h"
#include "control/archivist.h"
#include "control/commands.h"
#include "control/enforcer_numbers.h"
#include "control/history.h"
#include "control/reloading.h"
#include "control/replies.h"
#include "control/state.h"
#include "control/upkeep.h"
#include "control/worker_verdicts.h"
#include "policy/decide.h"

namespace edgesentry::control {

namespace {

// Bounds of a round. At 1 us an alert a full round takes some 4 ms, which is also how long a
// command or an expiry waits at most behind a flood.
constexpr std::size_t kAlertsPerRound = 4096;
constexpr std::size_t kCommandsPerRound = 16;
constexpr std::size_t kSettledPerRound = policy::Decoys::kMembers;
constexpr std::size_t kExpiredPerRound = 2048;
// Alerts, commands, the sweep and expiry, at most.
constexpr std::size_t kLiftsPerRound = 4 * kAlertsPerRound;
constexpr int kLastRounds = 64;  // after `stop`: what the rings still hold

constexpr std::chrono::milliseconds kSleepMin{1};
constexpr std::chrono::milliseconds kSleepMax{20};
constexpr base::Micros kUnsaidEvery = base::seconds(1);

}  // namespace

struct ControlLoop::Story {
  Story(ControlSettings settings, ControlLinks links);

  void drain();
  void drain_alerts();
  void decide();
  void enforce();
  void record();
  void expire();
  void keep();
  void publish();
  void sleep();

  void send_orders();
  void offer_events();
  void say_what_was_refused();
  void show_numbers();

  std::vector<base::RingReader<scan::Alert>> rings;
  base::Published<scan::DetectionPolicy>& policy;
  EventSink& sink;
  Mailbox& mailbox;
  Numbers& numbers;
  const Clock& clock;
  const FaultSwitches* faults;
  WorkerVerdicts workers;
  std::vector<enforce::Enforcer*> enforcers;
  ControlState state;
  Watch watch;

  std::vector<scan::Alert> batch;  // of this round, `drained` of them
  std::size_t drained = 0;
  std::vector<Mailbox::Letter> letters;
  std::vector<Answered> answered;  // of this round
  Replies replies;                 // given once their effects are recorded, and on disk
  Archivist archivist;
  store::EventKeeper* history;  // nullptr: events are not kept
  Reloading reloading;
  std::uint64_t unsaid = 0;  // events that the log queue refused and nobody has read of
  base::Micros say_unsaid_at;
  bool may_lift = true;     // no worker is owed more lifts than it is fit to be
  bool is_ending = false;   // nothing waits any more
  bool has_more = false;    // go on at once
  bool has_worked = false;  // sleep briefly
  std::chrono::milliseconds nap = kSleepMin;
  std::atomic<bool> reload_asked{false};  // release by ask_reload(), acquire in decide()
};

namespace {

std::vector<base::RingWriter<scan::Order>> order_rings(std::vector<WorkerLink>& workers) {
  std::vector<base::RingWriter<scan::Order>> rings;
  for (WorkerLink& worker : workers) rings.push_back(std::move(worker.orders));
  return rings;
}

}  // namespace

ControlLoop::Story::Story(ControlSettings settings, ControlLinks links)
    : policy(links.policy),
      sink(links.events),
      mailbox(links.mailbox),
      numbers(links.numbers),
      clock(links.clock),
      faults(links.faults),
      workers(order_rings(links.workers)),
      enforcers(std::move(links.enforcers)),
      state(std::move(settings), links.policy, links.numbers),
      batch(kAlertsPerRound),
      replies(links.keeper),
      archivist(links.keeper),
      history(links.history) {
  enforcers.insert(enforcers.begin(), &workers);
  for (WorkerLink& worker : links.workers) {
    rings.push_back(std::move(worker.alerts));
    state.tallies.push_back(worker.tally);
  }
  state.sink = &sink;
  state.patterns = links.patterns;
  state.keeper = links.keeper;
  state.history = links.history;
  state.conditions = links.conditions;
  state.enforcers.assign(enforcers.begin(), enforcers.end());
  state.orders.reserve(kAlertsPerRound + kExpiredPerRound);
  state.events.reserve(2 * kAlertsPerRound + kExpiredPerRound);
  state.now = state.started = state.axis = read_both(clock);
  if (state.patterns != nullptr)
    if (const PatternsView view = state.patterns->view(); !view.trouble.empty())
      state.say_appliance(view.trouble);
  numbers.is_config_good.set(1);
  numbers.config_generation.set(state.generation);
  numbers.exemptions.set(state.exempt.size());
}

ControlLoop::ControlLoop(ControlSettings settings, ControlLinks links)
    : story_(std::make_unique<Story>(std::move(settings), std::move(links))) {}
ControlLoop::~ControlLoop() = default;

void ControlLoop::run(const std::atomic<bool>& stop) {
  // acquire: pairs with the store that raised it, so that what came before is seen in the last
  // round
  while (!stop.load(std::memory_order_acquire))
    if (!run_round()) story_->sleep();
  story_->is_ending = true;
  for (int rounds = 0; rounds < kLastRounds && run_round(); ++rounds) continue;
}

Restored ControlLoop::restore(std::vector<store::Record>&& records, const store::Allowed& allowed) {
  return control::restore(story_->state, std::move(records), allowed);
}

store::Everything ControlLoop::everything() const {
  return everything_of(story_->state);
}

bool ControlLoop::run_round() {
  Story& story = *story_;
  if (story.faults != nullptr) suffer(*story.faults, story.state.ledger, story.enforcers);
  story.state.look_at_clocks(read_both(story.clock));
  story.numbers.heartbeat.set(story.state.now.monotonic.value);
  story.has_more = story.has_worked = false;
  story.drain();    // alerts from the workers' rings, requests from the mailbox
  story.decide();   // each against history and rules; the ledger changes here
  story.enforce();  // orders to the workers and whoever else keeps sources out
  story.record();   // events to the log queue; what it refuses is counted and said later
  story.expire();   // blocks whose time is over, with orders and events of their own
  story.keep();     // what became of blocks, to the file
  story.publish();  // policies that nobody reads any more are freed; numbers, replies
  return story.has_more;
}

void ControlLoop::ask_reload() noexcept {
  story_->reload_asked.store(true, std::memory_order_release);  // partner: decide()
  story_->mailbox.wake();
}

void ControlLoop::Story::drain() {
  drained = 0;
  // A worker that has stood still for hundreds of thousands of lifts: blocks stay, alerts wait in
  // the workers, until it is round again. No lift is ever lost. At the end nobody waits for it any
  // more: what is left is decided and said, in no more than kLastRounds rounds.
  may_lift = is_ending || workers.has_room_for_lifts(kLiftsPerRound);
  const bool leaves_alerts =
      faults != nullptr && faults->leaves_alerts.load(std::memory_order_relaxed);
  if (may_lift && !leaves_alerts) drain_alerts();
  while (letters.size() < kCommandsPerRound) {
    auto letter = mailbox.take();
    if (!letter) break;
    letters.push_back(std::move(*letter));
  }
  has_more = has_more || letters.size() == kCommandsPerRound;
  has_worked = drained > 0 || !letters.empty();
}

void ControlLoop::Story::drain_alerts() {
  const std::size_t share =
      std::max<std::size_t>(batch.size() / std::max<std::size_t>(rings.size(), 1), 1);
  for (auto& ring : rings) {
    const std::size_t room = std::min(share, batch.size() - drained);
    const std::size_t count = ring.pop_some({batch.data() + drained, room});
    drained += count;
    if (count == room) has_more = true;
  }
  numbers.alerts_drained.add(drained);
}

void ControlLoop::Story::decide() {
  for (std::size_t i = 0; i < drained; ++i) answer(state, batch[i]);
  if (may_lift && !answer_waiting(state, kSettledPerRound, is_ending)) has_more = true;
  if (reload_asked.exchange(false, std::memory_order_acquire)) reloading.ask();
  for (Mailbox::Letter& letter : letters) {
    const std::size_t before = state.changed.size();
    nlohmann::json reply = run_command(state, letter.request);
    const bool changes = state.changed.size() > before || state.is_allow_changed;
    if (state.question)
      ask_history(*history, *std::exchange(state.question, std::nullopt), std::move(letter));
    else if (reply.is_null())
      reloading.ask(std::move(letter));
    else
      replies.add(std::move(letter), std::move(reply), changes);
  }
  letters.clear();
  reloading.step(state, answered);
  for (Answered& each : answered) replies.add(std::move(each.letter), std::move(each.reply), false);
  answered.clear();
  has_worked = has_worked || reloading.is_under_way();
  watch.look(state);
  if (may_lift) sweep_some(state);
  has_more = has_more || (may_lift && state.sweep.is_running);
}

void ControlLoop::Story::enforce() {
  send_orders();
  for (enforce::Enforcer* enforcer : enforcers) {
    enforcer->set_bypass(state.is_bypassed());
    enforcer->reconcile(state.ledger);
  }
}

void ControlLoop::Story::record() {
  say_what_was_refused();
  offer_events();
}

void ControlLoop::Story::expire() {
  if (!may_lift) return;
  std::array<policy::Expired, kExpiredPerRound> expired;
  const std::size_t count = state.ledger.expire(state.now.monotonic, expired);
  for (std::size_t i = 0; i < count; ++i) {
    if (expired[i].was != policy::Standing::blocked) continue;
    numbers.blocks_expired.add(1);
    state.order(expired[i].source, scan::OrderKind::lift);
    say_expired(state, expired[i]);
  }
  send_orders();
  offer_events();
  has_more = has_more || state.ledger.is_behind();
  has_worked = has_worked || count > 0;
}

void ControlLoop::Story::publish() {
  policy.reclaim();
  if (state.patterns != nullptr) state.patterns->collect();
  replies.give(state.now.monotonic, is_ending);
  show_numbers();
  // Decisions share the reading at the start of the round; this one only measures.
  const base::Micros end = clock.monotonic();
  numbers.round_duration.observe(base::elapsed(state.now.monotonic, end));
  for (std::size_t i = 0; i < drained; ++i)
    if (batch[i].kind == scan::AlertKind::decision)
      numbers.detection_latency.observe(base::elapsed(batch[i].last_seen, end));
  numbers.rounds.add(1);
}

void ControlLoop::Story::sleep() {
  const bool is_waiting = workers.health().pending > 0 || unsaid > 0;
  nap = has_worked || is_waiting ? kSleepMin : std::min(2 * nap, kSleepMax);
  mailbox.wait(nap);
}

void ControlLoop::Story::send_orders() {
  for (enforce::Enforcer* enforcer : enforcers) enforcer->submit(state.orders);
  state.orders.clear();
}

void ControlLoop::Story::offer_events() {
  for (report::Event& event : state.events) {
    sink.show(state.recent.end(), event);
    state.recent.add(event);
    if (sink.offer(std::move(event))) {
      numbers.events_offered.add(1);
    } else {
      numbers.events_refused.add(1);
      ++unsaid;
    }
  }
  state.events.clear();
}

void ControlLoop::Story::say_what_was_refused() {
  if (unsaid == 0 || state.now.monotonic < say_unsaid_at) return;
  report::Event event;
  event.time = state.now.wall;
  event.stands_for = static_cast<std::uint32_t>(std::min<std::uint64_t>(unsaid, ~std::uint32_t{0}));
  event.text = fmt::format(
      "{} events were not logged because the log queue was full; the blocks themselves are in "
      "force, see 'edgesentry blocked'",
      unsaid);
  say_unsaid_at = state.now.monotonic + kUnsaidEvery;
  if (!sink.offer(std::move(event))) return;
  numbers.events_offered.add(1);
  unsaid = 0;
}

void ControlLoop::Story::keep() {
  const std::uint64_t number = archivist.keep(state, replies.has_changes());
  if (number != 0) replies.wait_for(number, state.now.monotonic);
  has_more = has_more || archivist.has_more();
}

void ControlLoop::Story::show_numbers() {
  numbers.blocks_active.set(state.ledger.blocked());
  numbers.blocks_shadow.set(state.ledger.shadowed());
  numbers.sources_remembered.set(state.ledger.remembered());
  numbers.sources_noted.set(state.ledger.noted());
  const enforce::Health health = workers.health();
  numbers.orders_sent.set(health.sent);
  numbers.orders_pending.set(health.pending);
  numbers.order_overflows.set(health.overflows);
  show_enforcers(state.enforcers, numbers);
}

}  // namespace edgesentry::control
