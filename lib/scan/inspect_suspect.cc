#include <algorithm>

#include "scan/contact_rules.h"
#include "scan/inspector_state.h"

namespace edgesentry::scan {

namespace {

// SYNs of one socket. A kernel retries after 1 s; scanners' retries come from another port or later
// than answer_timeout. SYN scanners never send data to a port that did not answer.
constexpr std::uint8_t kPatient = 2;
constexpr std::uint8_t kTalks = 3;  // packets of one socket that make a conversation
constexpr std::int32_t kScoreMax = 1 << 20;

bool waits(const Contact& contact) noexcept {
  return contact.outcome == Outcome::pending || contact.outcome == Outcome::answered ||
         contact.outcome == Outcome::held;
}

void count_once_more(Contact& contact) noexcept {
  if (contact.sent < 127) ++contact.sent;
}

void raise_score(Suspect& suspect, std::int32_t steps) noexcept {
  suspect.score = std::min(suspect.score + steps, kScoreMax);
}

void lower_score(Suspect& suspect, std::int32_t steps) noexcept {
  suspect.score = std::max(suspect.score - steps, 0);
}

// What a contact counted for, when it leaves the window.
void take_back(Suspect& suspect, const Contact& contact, const DetectionPolicy& policy) noexcept {
  const auto lower = [](auto& count) { count -= count > 0 ? 1 : 0; };
  if (is_scored(contact)) lower_score(suspect, policy.thresholds.sequential.failure);
  if (counts_as_failure(contact)) lower(suspect.failures);
  if (contact.outcome == Outcome::completed) lower(suspect.successes);
  if (is_abnormal(contact.technique)) {
    lower(suspect.abnormal);
    suspect.abnormal_kinds = 0;  // kinds are not kept by contact: later ones speak for themselves
  }
  if (counts_as_touch(contact, policy)) lower(suspect.touches);
}

// One more SYN-ACK of a run: the same port of the same host, the next source port.
bool goes_on_probing_a_zombie(Suspect& suspect, const wire::Probe& probe,
                              const Touch& touch) noexcept {
  if (!is_lone_answer(probe, touch)) return false;
  const auto step = static_cast<std::uint16_t>(probe.source_port - suspect.idle_source_port);
  suspect.idle_source_port = probe.source_port;
  if (step == 0) return false;  // once more
  suspect.idle_run = step <= IdleDetector::kStep && suspect.idle_run < 255
                         ? static_cast<std::uint8_t>(suspect.idle_run + 1)
                         : std::uint8_t{0};
  return suspect.idle_run >= IdleDetector::kRun;
}

// Something the source sent to a contact that exists already.
Outcome after_repeat(const Contact& contact, const wire::Probe& probe,
                     const Touch& touch) noexcept {
  using wire::tcp_flag::kRst;
  if (probe.outcome != wire::ParseOutcome::tcp) return contact.outcome;
  if (probe.tcp_flags & kRst) {
    if (contact.outcome != Outcome::answered) return contact.outcome;
    // A raw socket's SYN is reset by a kernel that knows nothing of it. A kernel that resets its
    // own connection was told so: health checks of load balancers end like that.
    return contact.technique == Technique::tcp_connect ? Outcome::neutral : Outcome::half_open;
  }
  if (touch.kind != TouchKind::weak || touch.technique == Technique::tcp_syn_ack)
    return contact.outcome;
  if (contact.outcome == Outcome::answered) return Outcome::completed;
  if (!is_open(contact) || is_abnormal(contact.technique)) return contact.outcome;
  if (!is_weak(contact.technique)) return Outcome::completed;  // the SYN-ACK went unseen
  const bool talks = probe.payload_bytes > 0 || contact.sent >= kTalks;
  return talks ? Outcome::completed : contact.outcome;
}

}  // namespace

// Moves a contact to its next outcome and keeps the counts and the sequential score in step.
void Inspector::State::settle(Suspect& suspect, Contact& contact, Outcome outcome,
                              const Moment& moment) noexcept {
  if (contact.outcome == outcome) return;
  const SequentialTest& test = moment.policy.thresholds.sequential;
  const Outcome before = contact.outcome;
  const bool scored_silence =
      before == Outcome::in_vain || (before == Outcome::silent && silence_counts(contact));
  if (scored_silence && outcome != Outcome::refused) {  // it was only late
    lower_score(suspect, test.failure);
    suspect.failures -= suspect.failures > 0;
  }
  const bool is_known =
      contact.is_declared || services.is_live(contact.target, contact.port, contact.port_class);
  const bool is_failure =
      outcome == Outcome::refused || outcome == Outcome::silent || outcome == Outcome::in_vain;
  if (is_failure && is_known) outcome = Outcome::neutral;
  contact.outcome = outcome;
  switch (outcome) {
    case Outcome::refused:
    case Outcome::in_vain:
    case Outcome::half_open:
    case Outcome::silent: {
      if (scored_silence) break;
      const bool counts = outcome != Outcome::silent || silence_counts(contact);
      if (counts) raise_score(suspect, test.failure);
      if (counts || contact.port_class == PortClass::udp) ++suspect.failures;
      const bool already = is_abnormal(contact.technique);  // counted when it was sent
      if (outcome != Outcome::half_open && !already && is_watched(contact, moment.policy))
        ++suspect.touches;
      if (counts && before != Outcome::silent) send_clue(suspect, contact, moment);
      break;
    }
    case Outcome::completed:
      ++suspect.successes;
      if (contact.port_class == PortClass::icmp || is_weak(contact.technique)) break;
      lower_score(suspect, test.success);
      break;
    default:
      break;
  }
}

// `attempt.is_new`: of a kind that this suspect has not sent before.
void Inspector::State::touch_again(Suspect& suspect, Contact& contact, const Attempt& attempt,
                                   const Moment& moment) noexcept {
  const wire::Probe& probe = attempt.probe;
  const Touch& touch = attempt.touch;
  if (source_mark(probe) == contact.source_port)
    count_once_more(contact);
  else if (touch.kind == TouchKind::attempt || touch.kind == TouchKind::abnormal)
    suspect.tool.again(probe);
  if (touch.kind == TouchKind::abnormal && !is_abnormal(contact.technique)) {
    contact.technique = touch.technique;
    ++suspect.abnormal;
    suspect.remember(probe.target, touch.port);  // what looked like a conversation is none
    if (contact.outcome != Outcome::refused && contact.outcome != Outcome::in_vain)
      contact.outcome = Outcome::pending;
  } else if (goes_on_probing_a_zombie(suspect, probe, touch)) {
    contact.technique = Technique::idle;
  } else {
    const Outcome next = after_repeat(contact, probe, touch);
    if (next == contact.outcome && !attempt.is_new) return;
    settle(suspect, contact, next, moment);
  }
  evaluate(suspect, contact, moment);
}

void Inspector::State::record_touch(Suspect& suspect, const wire::Probe& probe, const Touch& touch,
                                    const Moment& moment) noexcept {
  suspect.last_seen = moment.now;
  dues.wake_by(suspects.slot_of(suspect), moment.now + moment.policy.thresholds.answer_timeout);
  suspect.source = probe.source;
  const std::uint32_t kind = touch.kind == TouchKind::abnormal ? kind_bit(touch.technique) : 0;
  const bool is_new_kind = (suspect.abnormal_kinds | kind) != suspect.abnormal_kinds;
  suspect.abnormal_kinds |= kind;
  const std::uint32_t target = wire::fold(probe.target);
  const std::uint16_t port = touch.kind == TouchKind::none ? probe.target_port : touch.port;
  const std::uint8_t flags = sets[suspect.set].flags[suspect.way];
  const bool excused = is_walking(probe) || is_excused(probe, touch, flags);
  Contact* known = suspect.find(target, port, touch.port_class);
  if (known != nullptr && is_passed_over(*known) && touch.kind != TouchKind::none && !excused) {
    suspect.drop(*known);
    known = nullptr;
  }
  if (known != nullptr) {
    touch_again(suspect, *known, {probe, touch, is_new_kind}, moment);
    return;
  }
  if (touch.kind == TouchKind::none) return;
  if (excused) {
    if (!is_walking(probe) && is_doubtful(probe, touch, flags))
      pass_over(suspect, probe, touch, moment);
    return;
  }
  // Once contacts had to be forgotten, a weak touch may belong to one of them.
  if (touch.kind == TouchKind::weak && suspect.contacts_ever >= kContacts) return;

  age(suspect, moment);
  const DetectionPolicy& policy = moment.policy;
  const bool talks = touch.kind == TouchKind::weak && touch.port_class == PortClass::tcp &&
                     probe.payload_bytes > 0;
  Contact& contact = suspect.add(
      {.target = target,
       .at_ms = suspect.since_first_ms(moment.now),
       .port = touch.port,
       .source_port = source_mark(probe),
       .port_class = touch.port_class,
       .technique = touch.technique,
       .outcome = talks ? Outcome::completed : Outcome::pending,
       .sent = 1,
       .is_declared = policy.services.contains(probe.target, touch.port, touch.port_class)});
  if (talks) return;
  suspect.remember(probe.target, touch.port);
  suspect.tool.next(probe);
  suspect.probe_marks.add(probe, moment.now);
  if (touch.technique == Technique::tcp_syn_ack) suspect.begin_idle_run(probe.source_port);
  suspect.ip_options |= (probe.traits & wire::trait::kIpOptions) != 0;
  ++suspect.probes;
  if (touch.kind == TouchKind::abnormal) {
    ++suspect.abnormal;
    if (is_watched(contact, policy)) ++suspect.touches;
  }
  // Nobody lives there: no answer to wait for.
  if (is_in_the_dark(policy, probe.target, touch) && !is_traceroute(probe) &&
      !talks_with(suspect, target))
    settle(suspect, contact, Outcome::in_vain, moment);
  evaluate(suspect, contact, moment);
}

void Inspector::State::record_answer(Suspect& suspect, const wire::Probe& probe,
                                     const Answer& answer, const Moment& moment) noexcept {
  dues.wake_by(suspects.slot_of(suspect), moment.now + moment.policy.thresholds.answer_timeout);
  Contact* known = suspect.find(answer.target, answer.port, answer.port_class);
  const bool is_syn_ack = answer.kind == AnswerKind::accept && answer.port_class == PortClass::tcp;
  if (suspect.decided && is_syn_ack) suspect.expect_reaction(answer, probe);
  if (known == nullptr) {
    suspect.was_met = false;
    if (answer.kind != AnswerKind::refuse) return;
    // The probe itself was seen by tier 1 only, or excused. What it was, the answer tells.
    const std::uint8_t flags = sets[suspect.set].flags[suspect.way];
    const bool serves = flags & sighting_flag::kServes;
    const bool posture = refuses_an_answer(answer) || is_refused_file(answer, flags);
    const bool traced = answer.port_class == PortClass::udp && is_port_of_traceroute(answer.port);
    const bool is_probe = answer.port_class == PortClass::tcp ? !answer.to_ack || !serves : !traced;
    if (posture || !is_probe || answer.port_class == PortClass::icmp) return;
    constexpr Technique kOf[] = {Technique::tcp_syn, Technique::udp, Technique::sctp_init,
                                 Technique::icmp_other, Technique::ip_protocol};
    const Technique technique = answer.port_class == PortClass::tcp && answer.to_ack
                                    ? Technique::tcp_ack
                                    : kOf[static_cast<std::size_t>(answer.port_class)];
    const bool is_declared =
        wire::fold(probe.source) == answer.target &&
        moment.policy.services.contains(probe.source, answer.port, answer.port_class);
    known = &suspect.add({.target = answer.target,
                          .at_ms = suspect.since_first_ms(moment.now),
                          .port = answer.port,
                          .source_port = answer.peer_port,
                          .port_class = answer.port_class,
                          .technique = technique,
                          .outcome = Outcome::pending,
                          .sent = 1,
                          .is_declared = is_declared});
    suspect.remember(probe.source, answer.port);
    ++suspect.probes;
  }
  Contact& contact = *known;
  if (contact.outcome == Outcome::excused) {
    if (answer.kind == AnswerKind::refuse) rebuff(suspect, contact, probe, moment);
    return;
  }
  Outcome next = contact.outcome;
  switch (answer.kind) {
    case AnswerKind::accept:
      if (is_open(contact)) {
        const bool handshake = contact.port_class == PortClass::tcp;
        next = handshake ? Outcome::answered : Outcome::completed;
        if (handshake) {
          contact.at_ms = suspect.since_first_ms(moment.now);
          suspect.expect_reaction(answer, probe);
        }
      }
      break;
    case AnswerKind::converse:
      if (is_open(contact) && (contact.port_class != PortClass::tcp || is_weak(contact.technique)))
        next = Outcome::completed;
      break;
    case AnswerKind::refuse:
      if (is_open(contact)) next = Outcome::refused;
      break;
    case AnswerKind::expire:
      if (is_open(contact)) next = Outcome::neutral;
      break;
    default:
      return;
  }
  if (next == contact.outcome) return;
  settle(suspect, contact, next, moment);
  evaluate(suspect, contact, moment);
}

// Turns silence into failure and forgets what has left the window.
void Inspector::State::age(Suspect& suspect, const Moment& moment) noexcept {
  const Thresholds& thresholds = moment.policy.thresholds;
  suspect.rebase(thresholds.window, moment.now);
  const std::uint32_t now_ms = suspect.since_first_ms(moment.now);
  const auto timeout_ms = static_cast<std::uint32_t>(thresholds.answer_timeout.value / 1000);
  const std::uint64_t window_ms = thresholds.window.value / 1000;
  if (now_ms > window_ms)
    suspect.forget_before(static_cast<std::uint32_t>(now_ms - window_ms),
                          [&](const Contact& contact) {
                            if (!suspect.decided) take_back(suspect, contact, moment.policy);
                          });
  for (std::uint16_t i = 0; i < suspect.contact_count; ++i) {
    Contact& contact = suspect.contacts[i];
    if (!waits(contact) || now_ms - std::min(now_ms, contact.at_ms) < timeout_ms) continue;
    Outcome next = Outcome::silent;
    if (contact.outcome == Outcome::answered) next = Outcome::half_open;
    const bool patient = contact.sent >= kPatient && contact.port_class == PortClass::tcp &&
                         !is_abnormal(contact.technique) && !is_prey_of_worms(contact.port);
    if (patient || contact.outcome == Outcome::held || talks_over_tcp_instead(suspect, contact))
      next = Outcome::neutral;
    settle(suspect, contact, next, moment);
    if (!suspect.decided) evaluate(suspect, contact, moment);
  }
}

// When age() will find something to do, if nothing comes until then: a silence that has lasted, a
// contact or the whole record that leaves the window.
base::Micros Inspector::State::due_of(const Suspect& suspect, const Moment& moment) noexcept {
  constexpr base::Micros kSoonest = base::milliseconds(1);
  const Thresholds& thresholds = moment.policy.thresholds;
  const base::Micros retry = moment.now + kSoonest;
  if (suspect.alert_owed) return retry;
  base::Micros due = suspect.contained ? suspect.restrained + kContainedFor
                                       : suspect.last_seen + thresholds.window;
  due = due + kSoonest;
  for (std::uint16_t i = 0; i < suspect.contact_count; ++i) {
    const Contact& contact = suspect.contacts[i];
    const base::Micros at = suspect.first_seen + base::milliseconds(contact.at_ms);
    due = std::min(due, at + thresholds.window + kSoonest);
    if (waits(contact)) due = std::min(due, at + thresholds.answer_timeout);
  }
  return std::max(due, retry);
}

void Inspector::State::evaluate(Suspect& suspect, const Contact& contact,
                                const Moment& moment) noexcept {
  const Thresholds& thresholds = moment.policy.thresholds;
  if (suspect.decided) {
    const bool blocked = sets[suspect.set].flags[suspect.way] & sighting_flag::kBlocked;
    const bool waits = suspect.contained && !is_proven_enough(suspect, moment.policy);
    // The policy was switched to enforce, or to less proof, while the scan went on.
    if (moment.policy.blocks_now() && !blocked && !waits &&
        !moment.policy.allow.contains(suspect.source))
      decide(suspect, suspect.reason, contact, moment);
    else if (suspect.probes >= suspect.reported_probes * 10)
      emit(suspect, AlertKind::growth, contact, moment);
    return;
  }
  const std::uint16_t touches = suspect.touches;
  const Evidence evidence{suspect, contact, spread_around(suspect, contact)};
  if (const auto reason = first_finding(evidence, thresholds); reason.has_value())
    decide(suspect, *reason, contact, moment);
  else if (touches != 0 && is_bad(contact) && is_watched(contact, moment.policy))
    emit(suspect, AlertKind::touch, contact, moment);
  settle_rank(suspect, moment.policy);
}

}  // namespace edgesentry::scan
