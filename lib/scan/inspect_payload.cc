#include <algorithm>

#include "scan/inspector_state.h"

namespace edgesentry::scan {

namespace {

// A login that succeeds outweighs so many failures. A sequential test (Wald 1945) with the shares
// of logins that succeed of 58 % where people mistype and of 1 % where somebody guesses: a failure
// adds ln(0.99 / 0.42) = 0.86, a success takes ln(0.58 / 0.01) = 4.06 off, 4.7 times as much, and
// ln(0.99 / 0.001) = 6.90 decides, after 8 failures.
constexpr std::uint32_t kForgiven = 4;
// Several people behind one address mistype at the same time, and get in a little later. Until a
// row of failures has lasted this long, or a twentieth of the window, it takes twice as many. But
// so many within a quarter of a second are no people: each of them has to read and to type.
constexpr base::Micros kPatience = base::seconds(30);

std::uint32_t most_failures(const Thresholds& thresholds) noexcept {
  return std::min(thresholds.login_failures, kLoginFailuresMax);
}

bool is_guessing(const LoginTable::Row& row, const Thresholds& thresholds) noexcept {
  const std::uint32_t most = most_failures(thresholds);
  const base::Micros patience{std::min(kPatience.value, thresholds.login_window.value / 20)};
  const bool is_sure = row.is_burst || row.lasting >= patience;
  return row.failures >= (is_sure ? most : std::min(2 * most, kLoginFailuresMax));
}

// A wrong guess of a pattern is one; a page about exploits that is uploaded holds one or two.
constexpr std::uint32_t kExploits = 3;

}  // namespace

bool Inspector::note_payload(const PayloadNote& note, base::Micros now,
                             const DetectionPolicy& policy, AlertOutbox& outbox) noexcept {
  State& state = *state_;
  const SourceKey key = source_key(state.settings.key, note.source, policy.ipv6_prefix);
  if (note.kind == PayloadKind::tool_named) {
    state.take_name(note, key);
    return false;
  }
  const bool is_login = note.kind != PayloadKind::exploit;
  const bool is_refused = note.kind == PayloadKind::login_failed;
  const LoginTable::Event event{
      .source = canonical_source(note.source, policy.ipv6_prefix),
      .hash = key.home,
      .port = is_login ? note.port : std::uint16_t{0},
      .credentials = is_refused ? static_cast<std::uint16_t>(note.mark) : std::uint16_t{0},
      .now = now,
      .window = policy.thresholds.login_window};
  if (state.logins.repeats(event)) return false;
  if (is_login) state.send_login_clue(note, {now, coarse(now), policy, outbox});
  if (note.kind == PayloadKind::login_ok) {
    state.logins.take_back(event, note.mark);
    state.logins.forgive(event, kForgiven);
    return false;
  }
  const LoginTable::Row row =
      is_login ? state.logins.add(event, most_failures(policy.thresholds)) : LoginTable::Row{};
  const std::uint32_t count = is_login ? row.failures : state.logins.add_mark(event, note.mark);
  if (is_login ? !is_guessing(row, policy.thresholds) : count < kExploits) return false;
  const Moment moment{now, coarse(now), policy, outbox};
  if (!state.accuse(note, key, count, moment)) return false;
  state.logins.clear(event);
  const SightingSet& set = state.sets[key.home >> state.shift];
  const int way = set.find(key);
  return policy.enforce && way >= 0 && (set.flags[way] & sighting_flag::kBlocked) != 0;
}

// A name is of use for sources that are suspects; the others say it again when they are.
void Inspector::State::take_name(const PayloadNote& note, const SourceKey& key) noexcept {
  SightingSet& set = sets[key.home >> shift];
  const int way = set.find(key);
  if (way >= 0 && set.suspect[way] != 0) suspects.at(set.suspect[way]).named = note.tool;
}

// Of many sources that guess a little each, only the control thread sees the whole.
void Inspector::State::send_login_clue(const PayloadNote& note, const Moment& moment) noexcept {
  const bool is_taken = note.kind == PayloadKind::login_ok;
  // Half of the outbox stays with decisions, and a quarter with refusals.
  Alert* alert = claim_clue(is_taken ? kBurstMax / 4 : kBurstMax / 2, moment);
  if (alert == nullptr) return;
  alert->source = note.source;
  alert->targets[0] = alert->last_target = note.target;
  alert->ports[0] = alert->last_port = note.port;
  alert->port_count = alert->target_count = alert->probes = 1;
  alert->failures = is_taken ? 0 : 1;
  alert->successes = is_taken ? 1 : 0;
  alert->first_seen = alert->last_seen = moment.now;
  alert->worker = settings.worker;
  alert->protocol = 6;
  alert->technique = Technique::tcp_connect;
  alert->shape = Shape::brute_force;
  alert->severity = Severity::low;
  alert->reason = Reason::failed_logins;
  alert->prefix_length = note.source.is_v4() ? 128 : moment.policy.ipv6_prefix;
  alert->proven = true;
  if (note.tool != Tool::none) alert->tool = {note.tool, Confidence::high, Mark::said_so};
}

// False: there is no room for the suspect now, and the next event says it again.
bool Inspector::State::accuse(const PayloadNote& note, const SourceKey& key, std::uint32_t count,
                              const Moment& moment) noexcept {
  const std::uint32_t index = key.home >> shift;
  SightingSet& set = sets[index];
  int way = set.find(key);
  if (way < 0) way = admit(note.source, key, moment);
  if (way < 0) return false;
  if (set.flags[way] & sighting_flag::kBlocked) return true;
  Suspect* suspect = nullptr;
  if (set.suspect[way] != 0) {
    suspect = &suspects.at(set.suspect[way]);
  } else {
    const std::uint8_t rank = SuspectPool::rank_of_contacts(count, 0);
    suspect = promote(note.source, Place{index, way}, rank, moment);
  }
  if (suspect == nullptr) return false;
  if (suspect->decided) return true;
  const std::uint32_t target = wire::fold(note.target);
  Contact* contact = suspect->find(target, note.port, PortClass::tcp);
  if (contact == nullptr)
    contact = &suspect->add({.target = target,
                             .at_ms = suspect->since_first_ms(moment.now),
                             .port = note.port,
                             .source_port = 0,
                             .port_class = PortClass::tcp,
                             .technique = Technique::tcp_connect,
                             .outcome = Outcome::completed,
                             .sent = 1});
  suspect->source = note.source;
  suspect->last_seen = moment.now;
  suspect->remember(note.target, note.port);
  suspect->dialogues = count;
  if (note.tool != Tool::none) suspect->named = note.tool;
  suspect->proven_as |= proof_bit(Technique::tcp_connect);
  suspect->proven = true;  // a server answered what was said after the handshake
  const Reason reason =
      note.kind == PayloadKind::exploit ? Reason::signature : Reason::failed_logins;
  decide(*suspect, reason, *contact, moment);
  settle_rank(*suspect, moment.policy);
  return true;
}

}  // namespace edgesentry::scan
