// What a source that is not blocked may still do. Whoever has proven nothing may be somebody whose
// address was borrowed: he loses what no live service would have taken, and nothing else.
#include <algorithm>

#include "scan/contact_rules.h"
#include "scan/inspector_state.h"

namespace edgesentry::scan {

namespace {

// A stack sends its SYN again, from the same port; a scanner's second try comes from another one,
// or after the first was answered.
constexpr std::uint8_t kSentAgain = 2;

// After 2 + 4 + ... + 256 s comes the ninth, and after it ten minutes are over.
constexpr base::Micros kTrialPause = base::seconds(2);
constexpr std::uint8_t kTrialDoublings = 8;

// So many ports of one host without an answer are no client's: a call with sound and picture takes
// four, and what is sent without a pause is sent again.
constexpr int kUnansweredPorts = 4;

bool walks_along_ports(const Suspect& suspect, const Contact& newest) noexcept {
  const auto all = std::span(suspect.contacts).first(suspect.contact_count);
  const auto others = std::count_if(all.begin(), all.end(), [&newest](const Contact& contact) {
    return &contact != &newest && contact.outcome == Outcome::pending &&
           contact.port_class == newest.port_class && contact.target == newest.target;
  });
  return others + (suspect.was_met ? 1 : 0) >= kUnansweredPorts;
}

// Whoever opens a connection sends again what got lost; a datagram may be all there is. It waits
// only when it is empty, when something of its source was refused before, or when its source walks
// along the ports of one host.
bool may_wait(const Suspect& suspect, const wire::Probe& probe, const Contact& newest) noexcept {
  if (newest.port_class == PortClass::tcp || newest.port_class == PortClass::sctp) return true;
  return newest.port_class != PortClass::icmp &&
         (probe.payload_bytes == 0 || suspect.failures > 0 || walks_along_ports(suspect, newest));
}

// An answered SYN-ACK would set two appliances talking for ever, but for those of an idle scan:
// each comes from another port, and what an appliance says comes from the one that was asked.
bool may_be_answered(const Suspect& suspect, const Touch& touch) noexcept {
  return touch.technique != Technique::tcp_syn_ack || suspect.technique == Technique::idle;
}

// Were this contact and everything of its class that waits for an answer to fail, the sequential
// test would decide. One that tier 1 took for another (their bits in the sketch were the same) is
// missing in the count: it is the one that makes the difference.
bool is_one_too_many(const Suspect& suspect, const Contact& newest, const Moment& moment) noexcept {
  const Thresholds& thresholds = moment.policy.thresholds;
  const auto all = std::span(suspect.contacts).first(suspect.contact_count);
  const auto others = std::count_if(all.begin(), all.end(), [&newest](const Contact& contact) {
    return &contact != &newest && contact.outcome == Outcome::pending &&
           contact.port_class == newest.port_class;
  });
  const bool first_waits =
      suspect.was_met && base::elapsed(suspect.first_seen, moment.now) < thresholds.answer_timeout;
  const auto open = static_cast<std::int32_t>(others) + (first_waits ? 1 : 0);
  const SequentialTest& test = thresholds.sequential;
  return open > 0 && suspect.score + (open + 1) * test.failure >= test.threshold;
}

}  // namespace

// A live service, an answer that was asked for, a conversation that is under way.
bool Inspector::State::may_reach(const Suspect& suspect, const Attempt& attempt,
                                 const DetectionPolicy& policy) const noexcept {
  const auto& [probe, touch, is_new] = attempt;
  const std::uint8_t flags = sets[suspect.set].flags[suspect.way];
  if (touch.kind == TouchKind::none || is_traceroute(probe) || is_excused(probe, touch, flags))
    return true;
  // Whom a protected host called may answer from any port: calls, games, peers.
  if (touch.port_class == PortClass::udp && (flags & sighting_flag::kServes)) return true;
  return is_live(policy, services, probe.target, touch);
}

Verdict Inspector::State::restrain(Suspect& suspect, const Attempt& attempt,
                                   const Moment& moment) noexcept {
  const DetectionPolicy& policy = moment.policy;
  const auto& [probe, touch, is_new] = attempt;
  if (may_reach(suspect, attempt, policy) || policy.allow.contains(suspect.source))
    return Verdict::pass;
  Contact* contact = suspect.find(wire::fold(probe.target), touch.port, touch.port_class);
  if (contact != nullptr &&
      (contact->outcome == Outcome::completed || contact->outcome == Outcome::answered))
    return Verdict::pass;
  const bool challenges = policy.verification.mode == Verify::challenge;
  if (suspect.contained || is_lured(probe, touch, policy)) {
    if (suspect.contained && !is_lured(probe, touch, policy) && may_try(suspect, attempt, moment))
      return Verdict::pass;
    // What comes again says nothing new: who waits for a server does not contain himself.
    if (is_new) suspect.restrained = moment.now;
    if (contact != nullptr && !suspect.decided) {
      settle(suspect, *contact, Outcome::refused, moment);  // the target never hears of it
      evaluate(suspect, *contact, moment);
    }
    if (sets[suspect.set].flags[suspect.way] & sighting_flag::kBlocked) return Verdict::drop;
    return challenges && may_be_answered(suspect, touch) ? Verdict::answer : Verdict::hold;
  }
  if (!policy.holds_bursts || contact == nullptr || suspect.decided) return Verdict::pass;
  if (contact->outcome == Outcome::held && contact->sent >= kSentAgain) {
    contact->outcome = Outcome::pending;
    contact->at_ms = suspect.since_first_ms(moment.now);
    return Verdict::pass;
  }
  const bool is_excess = is_new && contact->outcome == Outcome::pending &&
                         may_wait(suspect, probe, *contact) &&
                         is_one_too_many(suspect, *contact, moment);
  if (contact->outcome != Outcome::held && !is_excess) return Verdict::pass;
  contact->outcome = Outcome::held;
  return Verdict::hold;
}

// A stack's own second try, when the first has waited as stacks wait. It may be what somebody wants
// whose address was borrowed, of a service that nobody has used yet; the service's answer makes it
// live. Who only guesses has ever longer to wait: nine in ten minutes.
bool Inspector::State::may_try(Suspect& suspect, const Attempt& attempt,
                               const Moment& moment) noexcept {
  const auto& [probe, touch, is_new] = attempt;
  if (touch.kind != TouchKind::attempt || touch.port_class != PortClass::tcp ||
      !(probe.traits & wire::trait::kTcpWindowScale) || is_prey_of_worms(touch.port))
    return false;
  if (!held.has_waited(HeldAttempts::hash_of(probe, settings.key[3]), moment.now)) return false;
  const std::uint32_t target = wire::fold(probe.target);
  Trial& trial = suspect.trials[talks_with(suspect, target) ? 1 : 0];
  if (moment.now < trial.next) return false;
  if (services.is_live(trial.target, trial.port, PortClass::tcp)) trial.in_vain = 0;
  trial.target = target;
  trial.port = touch.port;
  trial.next = moment.now + base::Micros{kTrialPause.value << trial.in_vain};
  if (trial.in_vain < kTrialDoublings) ++trial.in_vain;
  tally.trials.add(1);
  return true;
}

// Control wants proof of a source that this worker would have blocked, or had not decided.
void Inspector::State::contain(Place place) noexcept {
  SightingSet& set = sets[place.set];
  set.flags[place.way] &= static_cast<std::uint8_t>(~sighting_flag::kBlocked);
  if (set.suspect[place.way] == 0) return;
  Suspect& suspect = suspects.at(set.suspect[place.way]);
  suspect.decided = suspect.contained = true;
  suspect.restrained = suspect.decided_at = suspect.last_seen;
}

}  // namespace edgesentry::scan
