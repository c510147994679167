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

// The technique of the probe that this is the reaction to.
std::uint32_t proof_bit_of(const Suspect& suspect, const wire::Probe& probe) noexcept {
  const std::uint32_t target = wire::fold(probe.target);
  for (std::uint16_t i = 0; i < suspect.contact_count; ++i) {
    const Contact& contact = suspect.contacts[i];
    if (contact.target == target && contact.port == probe.target_port &&
        contact.port_class == PortClass::tcp)
      return proof_bit(contact.technique);
  }
  return proof_bit(Technique::udp);
}

}  // namespace

// Each of the two marks is reported once. A source that was only contained for want of proof is
// blocked by it, on this very packet.
void Inspector::State::watch_reaction(Suspect& suspect, const wire::Probe& probe,
                                      const Moment& moment) noexcept {
  using namespace wire::tcp_flag;
  if (probe.outcome != wire::ParseOutcome::tcp || !(probe.tcp_flags & (kRst | kAck))) return;
  if (!(suspect.has_challenge || suspect.was_answered)) return;
  const Shown before = shown_by(suspect, moment.policy);
  if (before.proven) return;
  const Reaction reaction = reaction_to(suspect, probe, cookies, moment);
  if (!reaction.answers && !reaction.proven) return;
  const std::uint32_t bit = proof_bit_of(suspect, probe);
  suspect.answers |= reaction.answers;
  suspect.proven |= reaction.proven;
  suspect.answers_as |= reaction.answers ? bit : 0;
  suspect.proven_as |= reaction.proven ? bit : 0;
  const Shown now = shown_by(suspect, moment.policy);
  const bool is_news = (now.answers && !before.answers) || now.proven;
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
