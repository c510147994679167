// How a source reacts to a SYN-ACK, of a real server or of the appliance, and what that proves; see
// proof.h and cookie.h.
#include "scan/inspector_state.h"
#include "scan/proof.h"

namespace edgesentry::scan {

namespace {

struct Reaction {
  bool answers = false, proven = false;
};

// Only a suspect that was answered can have received a cookie.
Reaction reaction_to(const Suspect& suspect, const wire::Probe& probe, const CookieKey& key,
                     const Moment& moment) noexcept {
  using namespace wire::tcp_flag;
  const base::Micros now = moment.now;
  // Somebody whose address was borrowed visits a server as well; nobody visits what is not there.
  const bool asks = moment.policy.enforce && moment.policy.verification.mode == Verify::challenge;
  Reaction reaction{.answers = resets_challenge(suspect, probe),
                    .proven = !asks && acknowledges_challenge(suspect, probe)};
  if (!suspect.was_answered || reaction.answers || reaction.proven) return reaction;
  const Conversation talk{probe.source, probe.target, probe.source_port, probe.target_port};
  if (probe.tcp_flags & kRst)
    reaction.answers = is_cookie(key, talk, probe.sequence, now);
  else if ((probe.tcp_flags & (kAck | kSyn)) == kAck)
    reaction.proven = is_cookie(key, talk, probe.acknowledgement - 1, now);
  return reaction;
}

}  // namespace

// Each of the two marks is reported once. A source that was only contained for want of proof is
// blocked by it, on this very packet.
void Inspector::State::watch_reaction(Suspect& suspect, const wire::Probe& probe,
                                      const Moment& moment) noexcept {
  using namespace wire::tcp_flag;
  if (suspect.proven || probe.outcome != wire::ParseOutcome::tcp) return;
  if (!(probe.tcp_flags & (kRst | kAck)) || !(suspect.has_challenge || suspect.was_answered))
    return;
  const Reaction reaction = reaction_to(suspect, probe, cookies, moment);
  const bool is_news = (reaction.answers && !suspect.answers) || reaction.proven;
  suspect.answers |= reaction.answers;
  suspect.proven |= reaction.proven;
  if (!is_news || !suspect.decided) return;
  const Contact& contact = suspect.contacts[suspect.newest];
  const bool is_over = suspect.contained && is_proven_enough(suspect, moment.policy);
  if (is_over && moment.policy.enforce) {
    decide(suspect, suspect.reason, contact, moment);
    return;
  }
  // An alert that is still owed will tell it.
  if (!suspect.alert_owed) emit(suspect, AlertKind::proof, contact, moment);
}

}  // namespace edgesentry::scan
