// What protected hosts answer, and whom they call.
#include <bit>

#include "scan/inspector_state.h"

namespace edgesentry::scan {
namespace {

constexpr std::uint8_t kArpReply = 2;  // RFC 826

}  // namespace

// ICMP protocol unreachable (RFC 792): no client asks for what is not there, so the answer alone is
// evidence where only the answers come by (a mirror of one direction).
void Inspector::State::meet_by_answer(const wire::Probe& probe, const Answer& answer,
                                      const SourceKey& key, const Moment& moment) noexcept {
  const int way = admit(probe.target, key, moment);
  if (way < 0) return;
  const Place place{key.home >> shift, way};
  Suspect* suspect = promote(probe.target, place, SuspectPool::rank_of_contacts(1, 0), moment);
  if (suspect != nullptr) record_answer(*suspect, probe, answer, moment);
}

void Inspector::State::hear(const wire::Probe& probe, const SourceKey& key,
                            const Moment& moment) noexcept {
  if (probe.outcome == wire::ParseOutcome::arp) {
    if (settings.watches_arp && probe.icmp_type == kArpReply) arp.answer(probe, settings.key);
    return;
  }
  const Answer answer = answer_of(probe);
  if (answer.kind == AnswerKind::none) return;
  if (answer.kind == AnswerKind::accept ||
      (answer.kind == AnswerKind::converse && answer.port_class == PortClass::udp &&
       answer.port < kEphemeral))
    services.learn(answer.target, answer.port, answer.port_class);
  const std::uint32_t index = key.home >> shift;
  SightingSet& set = sets[index];
  int way = set.find(key);
  if (way < 0) {
    const bool is_call = answer.kind == AnswerKind::call || (answer.kind == AnswerKind::converse &&
                                                             answer.port_class == PortClass::udp);
    if (is_unspoken_protocol(answer)) return meet_by_answer(probe, answer, key, moment);
    if (!is_call) return;
    way = admit(probe.target, key, moment);
    if (way >= 0) set.flags[way] |= called(answer);
    return;
  }
  const std::uint32_t contact =
      fingerprint(settings.key, answer.target, answer.port, answer.port_class);
  const std::uint16_t slot = set.suspect[way];
  bool known = (set.sketch[way] & sketch_bit(contact)) != 0;
  const bool serves = (set.flags[way] & sighting_flag::kServes) != 0;
  if (!serves && answer.kind == AnswerKind::converse && answer.port_class == PortClass::udp) {
    // A reply to a probe is no call.
    known = known || (slot != 0 && suspects.at(slot).find(answer.target, answer.port,
                                                          answer.port_class) != nullptr);
    if (!known) set.flags[way] |= sighting_flag::kServes;
  }
  if (answer.kind == AnswerKind::call) set.flags[way] |= called(answer);

  if (slot != 0) {
    record_answer(suspects.at(slot), probe, answer, moment);
    return;
  }
  // A first refusal makes a suspect of a source that tier 1 saw knocking there. A RST to an ACK is
  // also how closed conversations end; it counts once the source is a suspect for something else.
  // But for what nobody is known to have called: that is no end of a conversation.
  const bool uncalled = !serves && refuses_an_answer(answer);
  if (answer.kind != AnswerKind::refuse || !known || (answer.to_ack && !uncalled)) return;
  Suspect* suspect = promote(
      probe.target, Place{index, way},
      SuspectPool::rank_of_contacts(static_cast<std::uint32_t>(std::popcount(set.sketch[way])), 0),
      moment);
  if (suspect != nullptr) record_answer(*suspect, probe, answer, moment);
}

}  // namespace edgesentry::scan
