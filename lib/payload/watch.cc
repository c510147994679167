#include "payload/watch.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace edgesentry::payload {

using signature::FlowKey;
using signature::Hits;
using signature::Kind;
using signature::Pattern;
using signature::Side;
using signature::Transport;

namespace {

bool starts_with(std::span<const std::uint8_t> bytes, std::string_view text) noexcept {
  return bytes.size() >= text.size() && std::equal(text.begin(), text.end(), bytes.begin());
}

// Servers of these refuse whoever has not logged in, password or not.
bool refuses_everybody(std::string_view service) noexcept {
  return service == "http" || service == "redis";
}

// Programs whose one purpose is guessing passwords: what they send is a guess, whatever it says.
bool guesses_passwords(std::string_view tool) noexcept {
  return tool == "hydra" || tool == "medusa" || tool == "ncrack" || tool == "patator";
}

std::uint32_t mark_of(std::uint16_t index) noexcept {
  return index + 1u;
}

std::uint16_t service_port(const wire::Probe& probe, Side side) noexcept {
  return side == Side::client ? probe.target_port : probe.source_port;
}

// The part of the frame behind the headers, as far as it was captured.
std::span<const std::uint8_t> payload_of(const wire::Probe& probe,
                                         std::span<const std::uint8_t> frame) noexcept {
  if (probe.payload_bytes == 0 || probe.payload_offset == 0 || frame.size() <= probe.payload_offset)
    return {};
  const auto rest = frame.subspan(probe.payload_offset);
  return rest.first(std::min<std::size_t>(rest.size(), probe.payload_bytes));
}

}  // namespace

Watch::Watch(std::unique_ptr<signature::Matcher> matcher, const WatchSettings& settings)
    : matcher_(std::move(matcher)),
      key_(settings.key),
      flows_(settings.dialogues_max),
      dialogues_(flows_.size()) {}

base::Result<std::unique_ptr<Watch>> Watch::create(
    std::shared_ptr<const signature::Database> database, const WatchSettings& settings) {
  auto matcher = signature::Matcher::create(std::move(database), settings.limits);
  if (!matcher.ok()) return matcher.error();
  return std::unique_ptr<Watch>(new Watch(std::move(matcher).value(), settings));
}

Side Watch::sender_of(const wire::Probe& probe, const scan::Roles& roles) const noexcept {
  if (roles.actor != roles.answer) return roles.actor ? Side::client : Side::server;
  const auto serves = [&](std::uint16_t port) {
    const Transport transport =
        probe.outcome == wire::ParseOutcome::udp ? Transport::udp : Transport::tcp;
    return matcher_->database().wants(signature::direction(transport, Side::server), port);
  };
  const bool source_serves = serves(probe.source_port);
  if (source_serves != serves(probe.target_port))
    return source_serves ? Side::server : Side::client;
  return probe.source_port < probe.target_port ? Side::server : Side::client;
}

bool Watch::wants(const wire::Probe& probe, Side side) const noexcept {
  const bool is_tcp = probe.outcome == wire::ParseOutcome::tcp;
  if (!is_tcp && probe.outcome != wire::ParseOutcome::udp) return false;
  constexpr std::uint8_t kEnds = wire::tcp_flag::kFin | wire::tcp_flag::kRst;
  if (is_tcp && flows_.used() > 0 && (probe.payload_bytes > 0 || probe.tcp_flags & kEnds))
    return true;
  return probe.payload_bytes > 0 &&
         matcher_->wants({.bytes = {},
                          .transport = is_tcp ? Transport::tcp : Transport::udp,
                          .side = side,
                          .port = service_port(probe, side)});
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

Watch::Dialogue& Watch::opened(FlowKey key) noexcept {
  if (Dialogue* dialogue = known(key); dialogue != nullptr) return *dialogue;
  Dialogue& dialogue = dialogues_[flows_.claim(key).slot];
  dialogue = Dialogue{};
  return dialogue;
}

Notes Watch::look(const wire::Probe& probe, Side side, std::span<const std::uint8_t> frame,
                  base::Micros now) noexcept {
  Notes notes;
  const bool is_tcp = probe.outcome == wire::ParseOutcome::tcp;
  const FlowKey key = dialogue_key(probe, side);
  const std::uint16_t port = service_port(probe, side);
  const scan::PayloadNote note{.source = side == Side::client ? probe.source : probe.target,
                               .target = side == Side::client ? probe.target : probe.source,
                               .port = port};
  const auto bytes = payload_of(probe, frame);
  if (is_tcp && probe.payload_bytes > 0) {
    if (side == Side::server) take_answer(known(key), bytes, note, notes);
    take_ssh(probe, side, bytes, note, notes);
  }
  const signature::Payload payload{.bytes = bytes,
                                   .transport = is_tcp ? Transport::tcp : Transport::udp,
                                   .side = side,
                                   .port = port};
  const signature::Segment segment{.flow = signature::flow_key(probe, key_),
                                   .sequence = probe.sequence};
  if (!bytes.empty() && matcher_->wants(payload)) {
    const Hits hits =
        is_tcp ? matcher_->match_segment(payload, segment, now) : matcher_->match(payload, now);
    if (!hits.empty() && is_tcp) take_hits(hits, key, note, notes);
  }
  if (is_tcp && probe.tcp_flags & (wire::tcp_flag::kFin | wire::tcp_flag::kRst)) {
    matcher_->forget(segment.flow, side);
    Dialogue* dialogue = known(key);
    if (dialogue != nullptr && dialogue->is_ssh && dialogue->ssh.end() == SshEvent::failed)
      notes.add(note);
    if (probe.tcp_flags & wire::tcp_flag::kRst) flows_.release(key);
  }
  return notes;
}

void Watch::take_hits(const Hits& hits, FlowKey key, scan::PayloadNote note,
                      Notes& notes) noexcept {
  for (const std::uint16_t index : hits.indices()) {
    const Pattern& pattern = matcher_->database().patterns()[index];
    switch (pattern.kind) {
      case Kind::login_attempt:
        if (refuses_everybody(pattern.service)) opened(key).offered = true;
        break;
      case Kind::login_failed: {
        // `info` marks refusals that have nothing to do with a password.
        if (pattern.severity == signature::Severity::info) break;
        Dialogue* const dialogue = known(key);
        if (refuses_everybody(pattern.service)) {
          if (dialogue == nullptr || !dialogue->offered) break;
          dialogue->offered = false;
        }
        note.kind = scan::PayloadKind::login_failed;
        notes.add(note);
        break;
      }
      case Kind::login_ok:
        note.kind = scan::PayloadKind::login_ok;
        notes.add(note);
        break;
      case Kind::exploit:
        if (pattern.side == Side::client && pattern.severity >= signature::Severity::medium)
          opened(key).exploit = mark_of(index);
        break;
      case Kind::scanner:
        if (guesses_passwords(pattern.tool))
          opened(key).guessed = true;
        else if (pattern.severity >= signature::Severity::high)
          opened(key).exploit = mark_of(index);
        break;
    }
  }
}

// What any answer of the server says by itself, before the patterns see it.
void Watch::take_answer(Dialogue* dialogue, std::span<const std::uint8_t> bytes,
                        scan::PayloadNote note, Notes& notes) noexcept {
  if (dialogue == nullptr) return;
  if (dialogue->exploit != 0) {
    note.kind = scan::PayloadKind::exploit;
    note.mark = std::exchange(dialogue->exploit, 0);
    notes.add(note);
  }
  if (std::exchange(dialogue->guessed, false)) {
    note.kind = scan::PayloadKind::login_failed;
    notes.add(note);
    return;
  }
  const bool is_taken = starts_with(bytes, "HTTP/1.1 2") || starts_with(bytes, "HTTP/1.1 3") ||
                        starts_with(bytes, "HTTP/1.0 2") || starts_with(bytes, "HTTP/1.0 3") ||
                        starts_with(bytes, "+OK");
  if (!dialogue->offered || !is_taken) return;
  dialogue->offered = false;
  note.kind = scan::PayloadKind::login_ok;
  notes.add(note);
}

void Watch::take_ssh(const wire::Probe& probe, Side side, std::span<const std::uint8_t> bytes,
                     scan::PayloadNote note, Notes& notes) noexcept {
  const FlowKey key = dialogue_key(probe, side);
  if (starts_with(bytes, "SSH-")) opened(key).is_ssh = true;
  Dialogue* const dialogue = known(key);
  if (dialogue == nullptr || !dialogue->is_ssh) return;
  if (side == Side::client) {
    dialogue->ssh.client(bytes, probe.payload_bytes);
    return;
  }
  switch (dialogue->ssh.server(probe.payload_bytes)) {
    case SshEvent::none:
      return;
    case SshEvent::failed:
      note.kind = scan::PayloadKind::login_failed;
      break;
    case SshEvent::succeeded:
      note.kind = scan::PayloadKind::login_ok;
      break;
  }
  notes.add(note);
}

}  // namespace edgesentry::payload
