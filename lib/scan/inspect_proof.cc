// How a source reacts to a real server's SYN-ACK, and what that proves; see proof.h.
#include "scan/inspector_state.h"
#include "scan/proof.h"

namespace edgesentry::scan {

// A source that is decided already: its packets are no evidence any more, but they may still tell
// the scanner from the addresses that it borrowed. Each of the two marks is reported once.
void Inspector::State::watch_reaction(Suspect& suspect, const wire::Probe& probe,
                                      const Moment& moment) noexcept {
  const bool answers = !suspect.answers && resets_challenge(suspect, probe);
  const bool proven = !suspect.proven && acknowledges_challenge(suspect, probe);
  if (!answers && !proven) return;
  suspect.answers |= answers;
  suspect.proven |= proven;
  // An alert that is still owed will tell it.
  if (!suspect.alert_owed)
    emit(suspect, AlertKind::proof, suspect.contacts[suspect.newest], moment);
}

}  // namespace edgesentry::scan
