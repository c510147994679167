#include "payload/watch.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "payload/credentials.h"
#include "payload/login_ports.h"
#include "payload/segment.h"

namespace edgesentry::payload {

using signature::FlowKey;
using signature::Hits;
using signature::Kind;
using signature::Pattern;
using signature::Side;
using signature::Transport;

namespace {

constexpr std::size_t kStatusAt = 9, kStatusEnd = 12;  // in "HTTP/1.1 401 Unauthorized"

bool starts_with(std::span<const std::uint8_t> bytes, std::string_view text) noexcept {
  return bytes.size() >= text.size() && std::equal(text.begin(), text.end(), bytes.begin());
}

// Programs whose one purpose is guessing passwords: what they send is a guess, whatever it says.
bool guesses_passwords(std::string_view tool) noexcept {
  return tool == "hydra" || tool == "medusa" || tool == "ncrack" || tool == "patator";
}

// Patterns name more than scans are named after, such as companies that scan.
scan::Tool tool_called(std::string_view name) noexcept {
  const auto at = std::ranges::find(scan::kToolNames, name);
  return at == scan::kToolNames.end() ? scan::Tool::none
                                      : static_cast<scan::Tool>(at - scan::kToolNames.begin());
}

std::uint32_t mark_of(std::uint16_t index) noexcept {
  return index + 1u;
}

std::uint16_t service_port(const wire::Probe& probe, Side side) noexcept {
  return side == Side::client ? probe.target_port : probe.source_port;
}

constexpr std::uint8_t kEnds = wire::tcp_flag::kFin | wire::tcp_flag::kRst;

bool is_tcp(const wire::Probe& probe) noexcept {
  return probe.outcome == wire::ParseOutcome::tcp;
}

}  // namespace

Watch::Watch(const WatchSettings& settings)
    : matcher_counters_(std::make_shared<signature::MatcherCounters>()),
      limits_(settings.limits),
      key_(settings.key),
      flows_(settings.dialogues_max),
      dialogues_(flows_.size()) {}

base::Result<std::unique_ptr<Watch>> Watch::create(
    std::shared_ptr<const signature::Database> database, const WatchSettings& settings) {
  std::unique_ptr<Watch> watch(new Watch(settings));
  auto lens = watch->make_lens(std::move(database));
  if (!lens.ok()) return lens.error();
  watch->lens_ = std::move(lens).value();
  return watch;
}

base::Result<std::unique_ptr<Lens>> Watch::make_lens(
    std::shared_ptr<const signature::Database> database) const {
  auto matcher = signature::Matcher::create(std::move(database), limits_, matcher_counters_);
  if (!matcher.ok()) return matcher.error();
  auto lens = std::make_unique<Lens>(
      Lens{.matcher = std::move(matcher).value(), .tools = {}, .login_ports = {}});
  lens->login_ports = login_ports(lens->matcher->database().patterns());
  for (const Pattern& pattern : lens->matcher->database().patterns())
    lens->tools.push_back(tool_called(pattern.tool));
  return lens;
}

void Watch::take_offered() noexcept {
  if (exchange_.take(lens_)) counters_.streams.set(0);
}

Side Watch::sender_of(const wire::Probe& probe, const scan::Roles& roles) const noexcept {
  if (roles.actor != roles.answer) return roles.actor ? Side::client : Side::server;
  const auto serves = [&](std::uint16_t port) {
    const Transport transport = is_tcp(probe) ? Transport::tcp : Transport::udp;
    return database().wants(signature::direction(transport, Side::server), port);
  };
  const bool source_serves = serves(probe.source_port);
  if (source_serves != serves(probe.target_port))
    return source_serves ? Side::server : Side::client;
  return probe.source_port < probe.target_port ? Side::server : Side::client;
}

bool Watch::may_want(const wire::Probe& probe, Side side, const Watch& owner) const noexcept {
  const bool tcp = is_tcp(probe);
  if (!tcp && probe.outcome != wire::ParseOutcome::udp) return false;
  const std::uint16_t port = service_port(probe, side);
  if (probe.payload_bytes == 0)
    return tcp && (probe.tcp_flags & kEnds) != 0 && owner.open_ports_.contains(port);
  const Transport transport = tcp ? Transport::tcp : Transport::udp;
  return database().wants(signature::direction(transport, side), port) ||
         (tcp && owner.open_ports_.contains(port));
}

bool Watch::wants(const wire::Probe& probe, Side side) const noexcept {
  if (!may_want(probe, side)) return false;
  const Transport transport = is_tcp(probe) ? Transport::tcp : Transport::udp;
  if (probe.payload_bytes > 0 &&
      database().wants(signature::direction(transport, side), service_port(probe, side)))
    return true;
  return flows_.contains(dialogue_key(probe, side));
}

FlowKey Watch::dialogue_key(const wire::Probe& probe, Side side) const noexcept {
  if (side == Side::client) return signature::flow_key(probe, key_);
  wire::Probe turned = probe;
  std::swap(turned.source, turned.target);
  std::swap(turned.source_port, turned.target_port);
  return signature::flow_key(turned, key_);
}

Watch::Dialogue* Watch::known(FlowKey key) noexcept {
  const std::uint32_t slot = flows_.find(key);
  return slot == signature::FlowTable::kNone ? nullptr : &dialogues_[slot];
}

// Pages that nobody offered a password for are not worth a look each.
signature::Turns Watch::turns_of(const Packet& packet) noexcept {
  const std::uint8_t refuses = lens_->login_ports[packet.note.port];
  signature::Turns turns{.acknowledgement = packet.probe.acknowledgement, .renew = refuses != 0};
  if (packet.side == Side::server && refuses == kRefusesEverybody) {
    const Dialogue* const dialogue = known(packet.key);
    turns.renew = dialogue != nullptr && (dialogue->offered || dialogue->may_hide);
  }
  return turns;
}

Watch::Dialogue& Watch::opened(const Packet& packet) noexcept {
  if (Dialogue* dialogue = known(packet.key); dialogue != nullptr) return *dialogue;
  const signature::FlowTable::Claim claim = flows_.claim(packet.key);
  Dialogue& dialogue = dialogues_[claim.slot];
  counters_.dialogues_opened.add(1);
  if (claim.replaced) {
    counters_.dialogues_evicted.add(1);
    open_ports_.close(dialogue.port);
  }
  dialogue = Dialogue{.port = packet.note.port};
  open_ports_.open(dialogue.port);
  counters_.dialogues.set(flows_.used());
  return dialogue;
}

Notes Watch::look(const wire::Probe& probe, Side side, std::span<const std::uint8_t> frame,
                  base::Micros now) noexcept {
  Notes notes;
  const bool tcp = is_tcp(probe);
  const std::uint16_t port = service_port(probe, side);
  const Packet packet{.probe = probe,
                      .side = side,
                      .key = dialogue_key(probe, side),
                      .bytes = payload_of(probe, frame),
                      .note = {.source = side == Side::client ? probe.source : probe.target,
                               .target = side == Side::client ? probe.target : probe.source,
                               .port = port}};
  const bool is_reset = tcp && (probe.tcp_flags & wire::tcp_flag::kRst) != 0;
  if (tcp && !is_reset && probe.payload_bytes > 0) {
    if (side == Side::server) take_answer(packet, notes);
    take_ssh(packet, notes);
  }
  const signature::Payload payload{.bytes = packet.bytes,
                                   .transport = tcp ? Transport::tcp : Transport::udp,
                                   .side = side,
                                   .port = port};
  if (!packet.bytes.empty() && !is_reset && lens_->matcher->wants(payload)) {
    const signature::Segment segment{
        .flow = side == Side::client ? packet.key : signature::flow_key(probe, key_),
        .sequence = probe.sequence,
        .turns = tcp ? turns_of(packet) : signature::Turns{}};
    const Hits hits = tcp ? lens_->matcher->match_segment(payload, segment, now)
                          : lens_->matcher->match(payload, now);
    if (!hits.empty() && tcp) take_hits(hits, packet, notes);
    if (hits.is_past_limit() && side == Side::client &&
        lens_->login_ports[port] == kRefusesEverybody) {
      Dialogue& dialogue = opened(packet);
      dialogue.may_hide = true;
      dialogue.said_until = probe.sequence + probe.payload_bytes;
    }
  }
  if (tcp && (probe.tcp_flags & kEnds) != 0) take_end(packet, notes);
  counters_.streams.set(lens_->matcher->streams_followed());
  return notes;
}

void Watch::take_end(const Packet& packet, Notes& notes) noexcept {
  lens_->matcher->forget(
      packet.side == Side::client ? packet.key : signature::flow_key(packet.probe, key_),
      packet.side);
  Dialogue* const dialogue = known(packet.key);
  if (dialogue == nullptr) return;
  scan::PayloadNote note = packet.note;
  note.tool = dialogue->tool;
  for (int left = dialogue->is_ssh ? dialogue->ssh.end() : 0; left > 0; --left) notes.add(note);
  if ((packet.probe.tcp_flags & wire::tcp_flag::kRst) == 0) return;
  open_ports_.close(dialogue->port);
  flows_.release(packet.key);
  counters_.dialogues.set(flows_.used());
}

// The server said why, and it was not the password: a nonce that is too old, say. Its own words,
// which no client can put into its mouth.
void Watch::take_excuses(const Hits& hits, const Packet& packet) noexcept {
  Dialogue* const dialogue = known(packet.key);
  if (dialogue == nullptr) return;
  for (const std::uint16_t index : hits.indices()) {
    const Pattern& pattern = database().patterns()[index];
    if (pattern.kind == Kind::login_failed && pattern.severity == signature::Severity::info &&
        refuses_everybody(pattern.service))
      dialogue->offered = dialogue->may_hide = false;
  }
}

void Watch::take_hits(const Hits& hits, Packet packet, Notes& notes) noexcept {
  if (packet.side == Side::server) take_excuses(hits, packet);
  for (const std::uint16_t index : hits.indices()) {
    const Pattern& pattern = database().patterns()[index];
    if (pattern.kind == Kind::login_ok) {
      packet.note.kind = scan::PayloadKind::login_ok;
    } else if (pattern.kind == Kind::login_failed) {
      packet.note.mark = 0;
      // `info` marks refusals that have nothing to do with a password.
      if (pattern.severity == signature::Severity::info) continue;
      if (refuses_everybody(pattern.service)) {
        Dialogue* const dialogue = known(packet.key);
        if (dialogue == nullptr) continue;
        const bool may_hide = dialogue->may_hide && !needs_offer(pattern.service);
        if (!dialogue->offered && !may_hide) continue;
        if (!acknowledges(packet.probe, dialogue->said_until)) continue;
        packet.note.mark = dialogue->offered && !dialogue->may_hide ? dialogue->credentials : 0;
        dialogue->offered = dialogue->may_hide = false;
        packet.note.tool = dialogue->tool;
      }
      packet.note.kind = scan::PayloadKind::login_failed;
    } else {
      if (packet.side != Side::client) continue;
      take_claim(pattern, index, packet);
      if (lens_->tools[index] == scan::Tool::none) continue;
      packet.note.kind = scan::PayloadKind::tool_named;
      packet.note.tool = lens_->tools[index];
    }
    notes.add(packet.note);
  }
}

// What the source says, to be believed once the server answers it.
void Watch::take_claim(const Pattern& pattern, std::uint16_t index, const Packet& packet) noexcept {
  const bool is_login = pattern.kind == Kind::login_attempt;
  const bool guesses = pattern.kind == Kind::scanner && guesses_passwords(pattern.tool);
  const auto least =
      pattern.kind == Kind::exploit ? signature::Severity::medium : signature::Severity::high;
  if (is_login ? !refuses_everybody(pattern.service) : !guesses && pattern.severity < least) return;
  Dialogue& dialogue = opened(packet);
  dialogue.said_until = packet.probe.sequence + packet.probe.payload_bytes;
  if (lens_->tools[index] != scan::Tool::none) dialogue.tool = lens_->tools[index];
  if (is_login)
    take_offer(dialogue, packet);
  else if (guesses)
    dialogue.guessed = true;
  else
    dialogue.exploit = mark_of(index);
}

// Whoever offers twice before the answer offers both together.
void Watch::take_offer(Dialogue& dialogue, const Packet& packet) noexcept {
  const std::uint16_t now = authorization(packet.bytes, packet.note.target, key_);
  const std::uint16_t before = dialogue.credentials;
  dialogue.credentials = std::exchange(dialogue.offered, true) ? both(before, now) : now;
}

// What any answer of the server says by itself, before the patterns see it.
void Watch::take_answer(Packet packet, Notes& notes) noexcept {
  Dialogue* const dialogue = known(packet.key);
  if (dialogue == nullptr || !acknowledges(packet.probe, dialogue->said_until)) return;
  packet.note.tool = dialogue->tool;
  if (dialogue->exploit != 0) {
    packet.note.kind = scan::PayloadKind::exploit;
    packet.note.mark = std::exchange(dialogue->exploit, 0);
    notes.add(packet.note);
    packet.note.mark = 0;
  }
  if (std::exchange(dialogue->guessed, false)) {
    packet.note.kind = scan::PayloadKind::login_failed;
    notes.add(packet.note);
    return;
  }
  const auto& bytes = packet.bytes;
  const bool is_taken = starts_with(bytes, "HTTP/1.1 2") || starts_with(bytes, "HTTP/1.1 3") ||
                        starts_with(bytes, "HTTP/1.0 2") || starts_with(bytes, "HTTP/1.0 3") ||
                        starts_with(bytes, "+OK");
  // Any other answer says nothing of the password, and what is asked next has none.
  const bool is_answer = starts_with(bytes, "HTTP/1.") && bytes.size() >= kStatusEnd &&
                         bytes[kStatusAt] != '1' && !starts_with(bytes.subspan(kStatusAt), "401") &&
                         !starts_with(bytes.subspan(kStatusAt), "407");
  if (!is_taken && !is_answer) return;
  dialogue->may_hide = false;
  if (!std::exchange(dialogue->offered, false) || !is_taken) return;
  packet.note.kind = scan::PayloadKind::login_ok;
  notes.add(packet.note);
}

void Watch::take_ssh(Packet packet, Notes& notes) noexcept {
  if (starts_with(packet.bytes, "SSH-")) {
    Dialogue& greeted = opened(packet);
    greeted.is_ssh = true;
    // The next connection from the same port.
    if (packet.side == Side::client && greeted.ssh.has_ended()) greeted.ssh = SshDialogue{};
  }
  Dialogue* const dialogue = known(packet.key);
  if (dialogue == nullptr || !dialogue->is_ssh) return;
  if (packet.side == Side::client) {
    dialogue->ssh.client(packet.bytes, packet.probe.payload_bytes);
    return;
  }
  packet.note.tool = dialogue->tool;
  switch (dialogue->ssh.server(packet.probe.payload_bytes)) {
    case SshEvent::none:
      return;
    case SshEvent::failed:
      packet.note.kind = scan::PayloadKind::login_failed;
      break;
    case SshEvent::succeeded:
      packet.note.kind = scan::PayloadKind::login_ok;
      packet.note.mark = dialogue->ssh.failures();
      break;
  }
  notes.add(packet.note);
}

}  // namespace edgesentry::payload
