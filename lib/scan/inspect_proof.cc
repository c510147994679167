// How a source reacts to a SYN-ACK, of a real server or of the appliance, and what that proves; see
// proof.h, questions.h and cookie.h.
#include "scan/inspector_state.h"
#include "scan/proof.h"

namespace edgesentry::scan {

namespace {

// What a source may send in the place of the number that proves something, in the life of its
// record (ten minutes, or as long as it is contained). Numbers have 32 bits and two are taken at a
// time: a forger hits one for a record in 270 million.
constexpr std::uint8_t kGuessesMax = 8;

// Of the answers to its probes a source must have reset three different ones, and half of all that
// it got: one in whose name hundreds were sent resets those of his own connections. The first one
// is enough while the scan that was found goes on: so soon he hardly opens one of his own.
constexpr std::uint8_t kResetsNeeded = 3;
constexpr base::Micros kAtOnce = base::seconds(2);

bool asks(const DetectionPolicy& policy) noexcept {
  return policy.enforce && policy.verification.mode == Verify::challenge;
}

bool is_reset(const wire::Probe& probe) noexcept {
  return (probe.tcp_flags & wire::tcp_flag::kRst) != 0;
}

bool is_most(const Reactions& reactions, std::uint8_t needed) noexcept {
  return reactions.given >= needed && reactions.given * 2 >= reactions.asked;
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

void Inspector::note_reply(const wire::Probe& probe, ReplyKind kind, base::Micros now,
                           const DetectionPolicy& policy) noexcept {
  if (kind != ReplyKind::challenge && kind != ReplyKind::syn_ack) return;
  State& state = *state_;
  const SourceKey key = source_key(state.settings.key, probe.source, policy.ipv6_prefix);
  SightingSet& set = state.sets[key.home >> state.shift];
  const int way = set.find(key);
  if (way < 0 || set.suspect[way] == 0) return;
  const Touch touch = touch_of(probe);
  const Conversation talk = answered_as(probe);
  // Of SYN-ACKs only those of an idle scan are answered: to one port, and each from another.
  const bool is_idle = touch.technique == Technique::tcp_syn_ack;
  state.suspects.at(set.suspect[way])
      .questions.ask({.target = wire::fold(probe.target),
                      .at_ms = static_cast<std::uint32_t>(now.value / 1000),
                      .source_port = talk.source_port,
                      .target_port = talk.target_port,
                      .port = is_idle ? probe.source_port : touch.port,
                      .technique = is_idle ? Technique::idle : touch.technique,
                      .is_offer = kind == ReplyKind::syn_ack});
}

// Where the appliance asks, only what it asked itself counts: a server's number is known to whoever
// forges the SYN when it is reset, and somebody whose address was borrowed visits servers as well.
bool Inspector::State::heed_question(Suspect& suspect, const wire::Probe& probe,
                                     const Moment& moment) noexcept {
  const std::uint32_t target = wire::fold(probe.target);
  Question* question =
      suspect.questions.find(target, probe.source_port, probe.target_port, !is_reset(probe));
  if (question == nullptr) return false;
  const Conversation talk{probe.source, probe.target, probe.source_port, probe.target_port};
  const std::uint32_t number = is_reset(probe) ? probe.sequence : probe.acknowledgement - 1;
  if (suspect.guesses >= kGuessesMax || !is_cookie(cookies, talk, number, moment.now)) {
    if (!question->has_reaction) {
      suspect.guesses += suspect.guesses < kGuessesMax;
      tally.wrong_numbers.add(1);
    }
    return false;
  }
  if (question->has_reaction) return !question->is_offer;
  question->has_reaction = true;
  const std::uint32_t bit = proof_bit(question->technique);
  const bool is_offer = question->is_offer;
  const bool is_soon = suspect.decided && base::elapsed(suspect.decided_at, moment.now) <= kAtOnce;
  const auto counts = [&](const Question& other) {
    // What turned out to be a service was no probe into the void.
    return other.is_offer == is_offer && proof_bit(other.technique) == bit &&
           !services.is_live(other.target, other.port, PortClass::tcp);
  };
  if (!is_most(suspect.questions.reactions(counts), is_offer || is_soon ? 1 : kResetsNeeded))
    return !is_offer;
  (is_offer ? suspect.proven : suspect.answers) = true;
  (is_offer ? suspect.proven_as : suspect.answers_as) |= bit;
  return !is_offer;
}

void Inspector::State::heed_server(Suspect& suspect, const wire::Probe& probe) noexcept {
  if (!is_to_challenger(suspect, probe)) return;
  const bool answers = resets_challenge(suspect, probe);
  const bool proven = acknowledges_challenge(suspect, probe) && suspect.guesses < kGuessesMax;
  if (!answers && !proven) {
    if (is_reset(probe)) return;
    suspect.guesses += suspect.guesses < kGuessesMax;
    tally.wrong_numbers.add(1);
    return;
  }
  const std::uint32_t bit = proof_bit_of(suspect, probe);
  suspect.answers |= answers;
  suspect.proven |= proven;
  suspect.answers_as |= answers ? bit : 0;
  suspect.proven_as |= proven ? bit : 0;
}

// Each of the two marks is reported once. A source that was only contained for want of proof is
// blocked by it, on this very packet.
bool Inspector::State::watch_reaction(Suspect& suspect, const wire::Probe& probe,
                                      const Moment& moment) noexcept {
  using namespace wire::tcp_flag;
  if (probe.outcome != wire::ParseOutcome::tcp) return false;
  if (!is_reset(probe) && (probe.tcp_flags & (kAck | kSyn)) != kAck) return false;
  const Shown before = shown_by(suspect, moment.policy);
  if (before.proven) return false;
  bool is_ours = false;
  if (asks(moment.policy))
    is_ours = heed_question(suspect, probe, moment);
  else
    heed_server(suspect, probe);
  const Shown now = shown_by(suspect, moment.policy);
  const bool is_news = (now.answers && !before.answers) || now.proven;
  if (!is_news || !suspect.decided) return is_ours;
  const Contact& contact = suspect.contacts[suspect.newest];
  const bool is_over = suspect.contained && is_proven_enough(suspect, moment.policy);
  if (is_over && moment.policy.blocks_now()) {
    decide(suspect, suspect.reason, contact, moment);
    return is_ours;
  }
  // An alert that is still owed will tell it.
  if (!suspect.alert_owed) emit(suspect, AlertKind::proof, contact, moment);
  return is_ours;
}

}  // namespace edgesentry::scan
