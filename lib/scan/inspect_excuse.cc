// What has the posture of an answer that nobody is known to have asked for: backscatter, halves of
// conversations, and scans that borrow a service's port. Only what their targets refuse tells.
#include "scan/contact_rules.h"
#include "scan/inspector_state.h"

namespace edgesentry::scan {

// What looks like an answer says nothing unless its target refuses it.
void Inspector::State::pass_over(Suspect& suspect, const wire::Probe& probe, const Touch& touch,
                                 const Moment& moment) noexcept {
  age(suspect, moment);
  if (!suspect.has_room()) return;
  suspect.add(
      {.target = wire::fold(probe.target),
       .at_ms = suspect.since_first_ms(moment.now),
       .port = touch.port,
       .source_port = probe.source_port,
       .port_class = touch.port_class,
       .technique = touch.technique,
       .outcome = Outcome::excused,
       .sent = 1,
       .is_declared = moment.policy.services.contains(probe.target, touch.port, touch.port_class)});
}

void Inspector::State::rebuff(Suspect& suspect, Contact& contact, const wire::Probe& refusal,
                              const Moment& moment) noexcept {
  const bool is_known =
      contact.is_declared || services.is_live(contact.target, contact.port, contact.port_class);
  if (is_known) return;  // an outage
  contact.outcome = Outcome::rebuffed;
  suspect.remember(refusal.source, contact.port);
  ++suspect.failures;
  ++suspect.probes;
  evaluate(suspect, contact, moment);
}

}  // namespace edgesentry::scan
