// Tier 2: the exact evidence against one source that has earned suspicion.
//
// Fixed size, plain memory of one worker. Contacts are distinct (target, port, class); a
// retransmission finds the contact that is already there and counts once. Each contact ends in one
// outcome; together with its time the list is the timeline.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "base/ip.h"
#include "base/units.h"
#include "scan/alert.h"
#include "scan/answer.h"
#include "scan/names.h"
#include "scan/probe_marks.h"
#include "scan/questions.h"
#include "scan/tool_marks.h"
#include "scan/touch.h"
#include "wire/probe.h"

namespace edgesentry::scan {

enum class Outcome : std::uint8_t {
  pending,    // no answer yet
  answered,   // SYN-ACK seen, the source has not finished the handshake
  completed,  // a conversation: handshake finished, data sent, or a reply to UDP or ICMP
  refused,    // RST or ICMP unreachable
  silent,     // no answer within answer_timeout
  in_vain,    // into dark space: nobody can answer; who does after all is heard
  half_open,  // SYN-ACK seen, then RST by the source or nothing: only a scanner's stack does so
  held,       // not let through: too many others wait for their answer
  neutral,    // says nothing: a client that retries patiently, a known service, traceroute
  excused,    // looks like an answer that nobody is known to have asked for
  rebuffed,   // ... and its target refused it
};

// In the place of a source port, for echo requests with few hops left.
inline constexpr std::uint16_t kFewHopsLeft = 1;

struct Contact {
  std::uint32_t target;          //  0  wire::fold() of the address
  std::uint32_t at_ms;           //  4  since the suspect's first_seen
  std::uint16_t port;            //  8
  std::uint16_t source_port;     // 10  of the first probe, see source_mark()
  PortClass port_class;          // 12
  Technique technique;           // 13
  Outcome outcome;               // 14
  std::uint8_t sent : 7;         // 15  probes of the same source port, saturating
  std::uint8_t is_declared : 1;  //  a service that the operator says lives
};
static_assert(sizeof(Contact) == 16);

[[nodiscard]] constexpr bool is_abnormal(Technique t) noexcept {
  return t == Technique::tcp_fin || t == Technique::tcp_null || t == Technique::tcp_xmas ||
         t == Technique::tcp_other || t == Technique::fragment;
}

// Evidence against the source; pending contacts are not (yet).
[[nodiscard]] constexpr bool is_bad(const Contact& contact) noexcept {
  return contact.outcome == Outcome::refused || contact.outcome == Outcome::silent ||
         contact.outcome == Outcome::half_open || contact.outcome == Outcome::in_vain ||
         (is_abnormal(contact.technique) && contact.outcome != Outcome::neutral);
}

// The attempts of a contained source that are let through: see inspect_restrain.cc.
struct Trial {
  base::Micros next;         // none before
  std::uint32_t target = 0;  // of the newest
  std::uint16_t port = 0;
  std::uint8_t in_vain = 0;  // in a row
};

inline constexpr std::size_t kContacts = 64;
inline constexpr std::size_t kBitmapWords = 8;  // 512 bits: linear counting holds to about 1500

struct alignas(base::kCacheLine) Suspect {
  base::Ip source;  // as last seen, the whole address
  base::Micros first_seen;
  base::Micros last_seen;
  base::Micros decided_at;
  base::Micros restrained;  // the last packet that it lost by being contained
  std::uint32_t set = 0;    // its place in tier 1
  std::uint8_t way = 0;
  bool in_use = false;
  bool decided = false;  // a detector has fired
  bool allowed = false;  // ... but it is on the allow list
  bool proven = false;   // completed a handshake with the right acknowledgement number
  bool answers = false;  // reset a SYN-ACK as a live host does
  // The same, one bit for each technique whose probe led to it: see shown_by().
  std::uint32_t proven_as = 0, answers_as = 0;
  bool contained = false;  // decided, and proof is wanted before it is blocked
  bool was_met = false;    // its first contact is known to tier 1 only, and waits
  bool has_challenge = false;
  bool ip_options = false;  // some probe carried IPv4 options
  bool alert_owed = false;  // the ring to control refused the alert `owed`
  AlertKind owed = AlertKind::decision;
  std::uint8_t targets_kept = 0;
  std::uint8_t ports_kept = 0;
  Reason reason = Reason::failed_attempts;
  Technique technique = Technique::tcp_syn;  // as decided
  std::int32_t score = 0;                    // of the sequential test, in its steps; never below 0
  std::uint16_t touches = 0;                 // watched ports touched
  std::uint16_t contact_count = 0;
  std::uint16_t newest = 0;  // index of the contact looked at last
  std::uint32_t contacts_ever = 0;
  std::uint32_t probes = 0;
  std::uint32_t failures = 0;
  std::uint32_t successes = 0;
  std::uint32_t abnormal = 0;
  std::uint32_t abnormal_kinds = 0;   // one bit for each abnormal Technique seen
  std::uint32_t reported_probes = 0;  // when the last alert went out
  std::uint32_t dialogues = 0;        // failed logins or distinct exploits, when they decided
  ToolMarks tool;
  Tool named = Tool::none;  // what the source said it is
  base::Ip last_target;
  // What only the receiver of the newest SYN-ACK knows: the number to acknowledge, and to whom.
  std::uint32_t challenge_ack = 0;
  std::uint32_t challenge_reset = 0;  // what the SYN-ACK acknowledged: a RST to it carries that
  std::uint32_t challenge_target = 0;
  std::uint16_t challenge_port = 0;
  std::uint16_t challenge_source_port = 0;
  std::uint8_t guesses = 0;  // wrong numbers that came where the right one would prove something
  Questions questions;       // of the appliance's own
  std::array<Trial, 2> trials{};  // strangers, and hosts that it talks with
  // SYN-ACKs out of nowhere to one port, each from the next source port: see IdleDetector.
  std::uint16_t idle_source_port = 0;
  std::uint8_t idle_run = 0;
  ProbeMarks probe_marks;
  std::array<std::uint16_t, kAlertPorts> ports{};
  std::array<base::Ip, kAlertTargets> targets{};
  std::array<std::uint64_t, kBitmapWords> port_bits{};
  std::array<std::uint64_t, kBitmapWords> target_bits{};
  std::array<Contact, kContacts> contacts{};  // last, see reset()

  [[nodiscard]] std::uint32_t since_first_ms(base::Micros now) const noexcept {
    return static_cast<std::uint32_t>(base::elapsed(first_seen, now).value / 1000);
  }
  // As new, except that old contacts stay behind contact_count: clearing them is most of the cost.
  void reset() noexcept;
  // The contact, or nullptr.
  [[nodiscard]] Contact* find(std::uint32_t target, std::uint16_t port, PortClass c) noexcept;
  // There is room for a contact that is no evidence, without pushing out what may be some.
  [[nodiscard]] bool has_room() const noexcept;
  void drop(Contact& contact) noexcept {
    contact = contacts[--contact_count];
    newest = 0;
  }
  // Room is made by dropping the oldest contact that says nothing, else the oldest of all.
  Contact& add(const Contact& contact) noexcept;
  // Remembers target and port for the alert and in the sketches.
  void remember(const base::Ip& target, std::uint16_t port) noexcept;
  void begin_idle_run(std::uint16_t source_port) noexcept {
    idle_source_port = source_port;
    idle_run = 0;
  }
  // To the newest SYN-ACK of a server.
  void expect_reaction(const Answer& answer, const wire::Probe& syn_ack) noexcept {
    has_challenge = true;
    challenge_ack = syn_ack.sequence + 1;
    challenge_reset = syn_ack.acknowledgement;
    challenge_target = answer.target;
    challenge_port = answer.port;
    challenge_source_port = answer.peer_port;
  }
  // Contacts from before say nothing any more: the window slides with each new contact. `undo` is
  // told of each, to take back what it counted for. When none is left the record starts anew.
  template <class Undo>
  void forget_before(std::uint32_t at_ms, Undo&& undo) noexcept {
    for (std::uint16_t i = 0; i < contact_count;) {
      if (contacts[i].at_ms >= at_ms) {
        ++i;
        continue;
      }
      undo(std::as_const(contacts[i]));
      contacts[i] = contacts[--contact_count];
    }
    if (newest >= contact_count) newest = 0;
    if (contact_count == 0 && !decided) forget_evidence();
  }
  // Times are milliseconds of 32 bits since first_seen: long before they wrap, first_seen moves up.
  void rebase(base::Micros window, base::Micros now) noexcept;

 private:
  void forget_evidence() noexcept;
};

[[nodiscard]] std::uint32_t estimate_distinct(
    const std::array<std::uint64_t, kBitmapWords>& bits) noexcept;

}  // namespace edgesentry::scan
