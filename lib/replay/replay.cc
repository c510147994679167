#include "replay/replay.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <span>
#include <tuple>
#include <utility>

#include "base/check.h"

namespace edgesentry::replay {
namespace {

struct AlignedFree {
  void operator()(std::byte* memory) const noexcept {
    ::operator delete[](memory, std::align_val_t{base::kCacheLine});
  }
};
using AlignedMemory = std::unique_ptr<std::byte[], AlignedFree>;

AlignedMemory zeroed_memory(std::size_t bytes) {
  AlignedMemory memory(new (std::align_val_t{base::kCacheLine}) std::byte[bytes]);
  std::fill_n(memory.get(), bytes, std::byte{0});
  return memory;
}

report::WallTime wall_time(base::Micros captured) {
  return report::WallTime(std::chrono::microseconds(captured.value));
}

bool is_cut_by_snaplen(wire::ParseOutcome outcome) noexcept {
  return outcome == wire::ParseOutcome::truncated_ip ||
         outcome == wire::ParseOutcome::bad_ip_total_length;
}

// Longer than any capture: the ledger must not let a source back in before its end.
constexpr std::chrono::seconds kToTheEnd = std::chrono::hours(24 * 365 * 100);

// Frames are at most this long even where NICs merge segments (an IP packet and its link header).
constexpr std::size_t kFrameBytesMax = 65536 + 256;

}  // namespace

// One simulated worker: its engine, and the probes of the burst at hand, all of one role.
struct Replay::Worker {
  AlignedMemory memory;
  scan::Tally tally;
  std::unique_ptr<scan::Inspector> inspector;
  scan::AlertOutbox outbox;
  std::array<wire::Probe, scan::kBurstMax> probes;
  std::size_t count = 0;
  scan::Role role = scan::Role::actor;
  std::unique_ptr<payload::Watch> watch;  // nullptr: without patterns
};

namespace {

// A capture is read to its end however fast: the budget is for what has no time to wait.
std::unique_ptr<payload::Watch> make_watch(const ReplayOptions& options) {
  if (options.patterns == nullptr) return nullptr;
  payload::WatchSettings settings;
  settings.key = options.key;
  settings.limits.bytes_per_second = signature::TokenBucket::kRateMax;
  settings.limits.bytes_at_once = signature::TokenBucket::kRateMax;
  auto watch = payload::Watch::create(options.patterns, settings);
  EDGESENTRY_CHECK(watch.ok(), watch.error().text.c_str());
  return std::move(watch).value();
}

}  // namespace

Replay::Replay(ReplayOptions options, EventSink sink)
    : options_(std::move(options)),
      sink_(std::move(sink)),
      ledger_(options_.ledger),
      budget_(options_.blocks_per_minute_max) {
  EDGESENTRY_CHECK(options_.workers >= 1 && options_.workers <= kWorkersMax,
                   "the command line bounds the number of workers");
  options_.detection.enforce = true;
  for (std::uint16_t i = 0; i < options_.workers; ++i) {
    auto worker = std::make_unique<Worker>();
    const scan::InspectorSettings settings{.worker = base::WorkerId{i},
                                           .sources = options_.sources,
                                           .suspects = options_.suspects,
                                           .blocks = options_.blocks,
                                           .key = options_.key,
                                           .watches_arp = true,
                                           .services = services_};
    const std::size_t bytes = scan::Inspector::bytes_needed(settings);
    worker->memory = zeroed_memory(bytes);
    worker->inspector = std::make_unique<scan::Inspector>(
        settings, std::span(worker->memory.get(), bytes), worker->tally);
    worker->watch = make_watch(options_);
    workers_.push_back(std::move(worker));
  }
}

Replay::~Replay() = default;

void Replay::take(const wire::Record& record, wire::LinkType link) {
  const bool is_first = !clock_.has_started();
  const base::Micros now = clock_.advance(record.time);
  if (is_first) {
    summary_.first = record.time;
    ticked_ = now;
  } else if (now != burst_time_) {
    flush_all();
    pass_time(now);
  }
  burst_time_ = now;
  captured_ = record.time;
  summary_.last = std::max(summary_.last, record.time);

  wire::Probe probe{};
  parse(record, link, probe);
  ++summary_.packets;
  summary_.bytes += record.wire_bytes;
  ++summary_.parsed[static_cast<std::size_t>(probe.outcome)];
  const scan::Roles roles = scan::roles_of(options_.detection, probe);
  if (roles.actor) queue(probe, scan::Role::actor);
  if (roles.answer) queue(probe, scan::Role::answer);
  if (roles.actor || roles.answer) look_inside(probe, roles, record.bytes);
}

// After the packet itself has been looked at, by the worker that owns the source outside.
void Replay::look_inside(const wire::Probe& probe, const scan::Roles& roles,
                         std::span<const std::uint8_t> frame) {
  const payload::Watch* any = workers_.front()->watch.get();
  if (any == nullptr) return;
  const signature::Side side = any->sender_of(probe, roles);
  Worker& worker = owner_of(side == signature::Side::client ? probe.source : probe.target);
  if (!worker.watch->wants(probe, side)) return;
  const payload::Notes notes = worker.watch->look(probe, side, frame, burst_time_);
  if (notes.count == 0) return;
  flush(worker);
  for (const scan::PayloadNote& note : notes.all())
    worker.inspector->note_payload(note, burst_time_, options_.detection, worker.outbox);
  decide(worker, burst_time_);
}

// A record that the capture's snapshot length cut has a whole packet behind it. When all headers
// are there, zeros stand for the payload that is missing, so that its lengths agree as they did
// live.
void Replay::parse(const wire::Record& record, wire::LinkType link, wire::Probe& probe) {
  probe.outcome = wire::parse(record.bytes, link, probe);
  const std::size_t captured = record.bytes.size();
  if (!is_cut_by_snaplen(probe.outcome) || record.wire_bytes <= captured ||
      record.wire_bytes > kFrameBytesMax)
    return;
  padded_.assign(record.wire_bytes, 0);
  std::copy(record.bytes.begin(), record.bytes.end(), padded_.begin());
  wire::Probe whole{};
  whole.outcome = wire::parse(padded_, link, whole);
  if (whole.payload_offset != 0 && whole.payload_offset <= captured) probe = whole;
}

void Replay::queue(const wire::Probe& probe, scan::Role role) {
  const base::Ip& source = role == scan::Role::actor ? probe.source : probe.target;
  Worker& worker = owner_of(source);
  if (worker.count == worker.probes.size() || (worker.count > 0 && worker.role != role))
    flush(worker);
  worker.role = role;
  worker.probes[worker.count++] = probe;
}

Replay::Worker& Replay::owner_of(const base::Ip& source) {
  const std::uint32_t hash = scan::owner_hash(options_.key, source, options_.detection.ipv6_prefix);
  return *workers_[hash % workers_.size()];
}

void Replay::flush(Worker& worker) {
  if (worker.count == 0) return;
  std::array<scan::Verdict, scan::kBurstMax> verdicts{};
  worker.inspector->inspect(std::span(worker.probes.data(), worker.count), worker.role, burst_time_,
                            options_.detection, std::span(verdicts.data(), worker.count),
                            worker.outbox);
  if (worker.role == scan::Role::actor)
    summary_.dropped_packets += static_cast<std::uint64_t>(
        std::count(verdicts.begin(), verdicts.begin() + static_cast<std::ptrdiff_t>(worker.count),
                   scan::Verdict::drop));
  worker.count = 0;
  decide(worker, burst_time_);
}

void Replay::flush_all() {
  for (auto& worker : workers_) flush(*worker);
  decide_crowds(burst_time_);
}

void Replay::pass_time(base::Micros until) {
  ticked_ = tick_between(ticked_, until, [this](base::Micros now) {
    for (auto& worker : workers_)
      for (bool has_more = true; has_more; decide(*worker, now))
        has_more = worker->inspector->tick(now, options_.detection, worker->outbox);
    decide_crowds(now);
    settle_waiting(now);
  });
}

void Replay::decide(Worker& worker, base::Micros now) {
  for (const scan::Alert& alert : worker.outbox.alerts()) {
    if (alert.kind == scan::AlertKind::clue)
      clues_.push_back(alert);
    else
      take_alert(alert, now);
  }
  worker.outbox.clear();
}

// The clues of one instant in an order that does not depend on which worker sent which.
void Replay::decide_crowds(base::Micros now) {
  std::sort(clues_.begin(), clues_.end(), [](const scan::Alert& a, const scan::Alert& b) {
    return std::tie(a.first_seen, a.source, a.last_target, a.last_port) <
           std::tie(b.first_seen, b.source, b.last_target, b.last_port);
  });
  for (const scan::Alert& clue : clues_)
    for (const policy::CrowdFinding& finding : crowds_.take(clue, now)) {
      if (!finding.is_whole) {
        decide_one(finding.alert, now);
        continue;
      }
      const bool is_growth = finding.alert.kind == scan::AlertKind::growth;
      report::Event event;
      event.action = is_growth ? report::Action::scan_grew : report::Action::scan_detected;
      event.time = wall_time(captured_ + base::elapsed(burst_time_, now));
      event.source = ledger_.prefix_of(finding.alert.source);
      event.alert = finding.alert;
      event.text = policy::crowd_sentence(finding);
      sink_(event);
    }
  clues_.clear();
}

// What live goes through the order ring. A worker that decided by itself drops the source already.
void Replay::order_block(const base::Ip& source) {
  owner_of(source).inspector->apply({source, scan::OrderKind::block, {}}, options_.detection);
}

void Replay::take_alert(const scan::Alert& alert, base::Micros now) {
  const bool is_settled =
      options_.exempt.contains(alert.source) || ledger_.blocks(alert.source, now);
  const bool waits =
      (alert.kind == scan::AlertKind::proof || !is_settled) &&
      decoys_.take(alert, ledger_.key_of(alert.source), now) == policy::Decoys::Advice::wait;
  if (!waits) decide_one(alert, now);
}

// Only when time moves on: then no alert of the moment before is missing, with any workers.
void Replay::settle_waiting(base::Micros now, bool all) {
  while (const auto settled = decoys_.next(now, all)) {
    switch (settled->fate) {
      case policy::Decoys::Fate::decide:
        decide_one(settled->alert, now, settled->words);
        break;
      case policy::Decoys::Fate::spare:
        spare(*settled);
        break;
      case policy::Decoys::Fate::release:
        release(*settled, now);
        break;
    }
  }
}

// The time of the deciding packet, also where the decision had to wait.
report::Event Replay::event_of(const scan::Alert& alert) const {
  report::Event event;
  const base::Micros then = alert.last_seen;
  event.time = wall_time(
      then >= burst_time_ ? captured_ + base::elapsed(burst_time_, then)
                          : base::Micros{captured_.value - base::elapsed(then, burst_time_).value});
  event.source = ledger_.prefix_of(alert.source);
  event.alert = alert;
  return event;
}

// What the control thread orders the workers when it takes their verdict back.
void Replay::let_in(const scan::Alert& alert) {
  const scan::Order order{ledger_.key_of(alert.source), scan::OrderKind::lift, {}};
  for (auto& worker : workers_) worker->inspector->apply(order, options_.detection);
}

void Replay::spare(const policy::Decoys::Settled& settled) {
  let_in(settled.alert);
  report::Event event = event_of(settled.alert);
  if (!scanning_.try_emplace(event.source.address(), false).second) return;  // said before
  ++summary_.scans;
  event.action = report::Action::scan_detected;
  event.text = policy::scan_sentence(settled.alert, event.source) + "; not blocked" + settled.words;
  sink_(event);
}

void Replay::release(const policy::Decoys::Settled& settled, base::Micros now) {
  if (!ledger_.pardon(settled.alert.source, now)) return;
  let_in(settled.alert);
  report::Event event = event_of(settled.alert);
  scanning_[event.source.address()] = false;
  event.action = report::Action::source_unblocked;
  event.text = event.source.to_string() + " is let in again" + settled.words;
  sink_(event);
}

void Replay::decide_one(const scan::Alert& alert, base::Micros now, const std::string& words) {
  const policy::Rules rules{
      .exempt = options_.exempt, .enforce = true, .needed = options_.detection.verification.needed};
  const policy::Decision decision = policy::decide(alert, ledger_, rules, budget_, now);
  report::Event event = event_of(alert);
  event.alert->severity = decision.severity;
  event.text = policy::sentence(decision, alert, event.source) + words;
  event.block_for = decision.duration;
  event.offence = decision.offence;
  event.ignored = decision.action == policy::DecisionAction::ignore;
  event.already_blocked = decision.already_blocked;
  if (alert.kind == scan::AlertKind::touch) {
    event.action = report::Action::port_touched;
    sink_(event);
    return;
  }
  if (alert.kind == scan::AlertKind::growth) {
    event.action = report::Action::scan_grew;
  } else {
    event.action = report::Action::scan_detected;
    ++summary_.scans;
  }
  sink_(event);
  bool& is_blocked = scanning_[event.source.address()];
  if (decision.action != policy::DecisionAction::block || is_blocked) return;
  const policy::BlockRequest request{
      .source = alert.source, .alert = &alert, .duration = kToTheEnd};
  is_blocked = ledger_.block(request, now).outcome != policy::BlockOutcome::full;
  if (!is_blocked) return;
  if (!alert.dropping) order_block(alert.source);
  event.action = report::Action::source_blocked;
  sink_(event);
}

ReplaySummary Replay::finish() {
  flush_all();
  if (clock_.has_started()) {
    pass_time(clock_.now() + options_.run_on);
    settle_waiting(clock_.now() + options_.run_on, true);
  }
  for (const auto& worker : workers_) summary_.sources += worker->tally.sources_added.value();
  summary_.scanning_sources = scanning_.size();
  for (const auto& [source, is_blocked] : scanning_) summary_.blocked_sources += is_blocked ? 1 : 0;
  return summary_;
}

}  // namespace edgesentry::replay
