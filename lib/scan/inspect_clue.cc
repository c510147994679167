// Clues about crowds: a worker knows only the sources it owns, and of many sources with one probe
// each none stands out. What few each of them did goes to the control thread, which sees them all.
#include <algorithm>

#include "scan/inspector_state.h"

namespace edgesentry::scan {

namespace {

// A source that shares its scan with others does little by itself; one that does more than this is
// judged by what it does alone. Also the number of targets that a suspect remembers whole.
constexpr std::uint32_t kContactsOfFew = kAlertTargets;

// Attempts to open a connection, and flags that no stack sends. Weak touches may belong to
// conversations from before the start; UDP and ICMP are silent for many reasons.
bool is_attempt(const Contact& contact) noexcept {
  return contact.port_class == PortClass::tcp &&
         (contact.technique == Technique::tcp_syn || contact.technique == Technique::tcp_connect ||
          is_abnormal(contact.technique));
}

}  // namespace

// nullptr: `room` alerts wait already, or the budget of clues is used up; counted.
Alert* Inspector::State::claim_clue(std::size_t room, const Moment& moment) noexcept {
  const bool has_room = moment.outbox.alerts().size() < room;
  Alert* alert = has_room && clues.take(moment.now) ? moment.outbox.claim() : nullptr;
  if (alert == nullptr) {
    tally.clues_refused.add(1);
    return nullptr;
  }
  tally.clues.add(1);
  *alert = Alert{};
  alert->kind = AlertKind::clue;
  return alert;
}

void Inspector::State::send_clue(const Suspect& suspect, const Contact& contact,
                                 const Moment& moment) noexcept {
  if (suspect.decided || suspect.contacts_ever > kContactsOfFew || !is_attempt(contact)) return;
  const auto kept = std::span(suspect.targets).first(suspect.targets_kept);
  const auto target = std::find_if(kept.begin(), kept.end(), [&](const base::Ip& ip) {
    return wire::fold(ip) == contact.target;
  });
  if (target == kept.end()) return;
  // Half of the outbox stays with decisions.
  Alert* alert = claim_clue(kBurstMax / 2, moment);
  if (alert == nullptr) return;
  alert->source = suspect.source;
  alert->targets[0] = alert->last_target = *target;
  alert->ports[0] = alert->last_port = contact.port;
  alert->port_count = alert->target_count = 1;
  alert->probes = alert->failures = 1;
  alert->successes = suspect.successes;
  alert->first_seen = suspect.first_seen + base::milliseconds(contact.at_ms);
  alert->last_seen = moment.now;
  alert->worker = settings.worker;
  alert->protocol = 6;
  alert->technique = contact.technique;
  alert->shape = Shape::distributed;
  alert->severity = Severity::low;
  alert->reason = Reason::many_sources;
  alert->prefix_length = suspect.source.is_v4() ? 128 : moment.policy.ipv6_prefix;
  alert->tcp_flags = wire::tcp_flag::kSyn;
  alert->proven = suspect.proven;
  alert->ip_options = suspect.ip_options;
  alert->tool = suspect.tool.name();
}

}  // namespace edgesentry::scan
