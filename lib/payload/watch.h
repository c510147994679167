// Payloads of one worker, from packet to evidence: patterns (signature::Matcher), the login
// dialogue of SSH, and what belongs together within a connection.
//
// A refusal of HTTP or Redis counts only on a connection where the source offered a password:
// servers refuse everybody who has not. Who puts more before it than is looked at, and is refused,
// may have. An exploit counts once the server answers it: a payload
// without a handshake may be forged. What names itself a program for guessing passwords has failed
// with each connection that the server answers: a form's refusal looks like any page.
//
// An answer is data of the server that acknowledges what the source said (RFC 9293 section 3.4). A
// forger who throws a segment into the middle of a connection, or into none, does not know the
// sequence number that the server waits for; what the server says to the true client then
// acknowledges something else. Resets answer nothing, whatever they carry.
//
// Owner: one worker, or replay. All memory is taken when it is made. Connections without a place
// push out the one unused longest.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/counter.h"
#include "base/result.h"
#include "base/units.h"
#include "payload/lens.h"
#include "payload/open_ports.h"
#include "payload/ssh_dialogue.h"
#include "scan/inspect.h"
#include "scan/payload_note.h"
#include "signature/flow_key.h"
#include "signature/matcher.h"
#include "wire/probe.h"

namespace edgesentry::payload {

struct WatchSettings {
  signature::MatcherLimits limits;
  std::uint32_t dialogues_max = 4096;  // connections with logins or exploits at one time
  signature::FlowHashKey key{};
};

struct alignas(base::kCacheLine) WatchCounters {
  base::Counter dialogues;          // gauge: connections with logins or exploits
  base::Counter dialogues_opened;   // ... that ever were
  base::Counter dialogues_evicted;  // ... that gave their place to a newer one
  base::Counter streams;            // gauge: directions of connections that are followed
};

// What one packet gave.
struct Notes {
  static constexpr std::size_t kMax = signature::Hits::kMax + 4;
  std::array<scan::PayloadNote, kMax> at;
  std::size_t count = 0;
  void add(const scan::PayloadNote& note) noexcept {
    if (count < at.size()) at[count++] = note;
  }
  [[nodiscard]] std::span<const scan::PayloadNote> all() const& noexcept {
    return {at.data(), count};
  }
};

// It carries no payload and ends no connection: nobody wants to look into it. For a worker to ask
// before anything else.
[[nodiscard]] inline bool is_mute(const wire::Probe& probe) noexcept {
  constexpr std::uint8_t kEnds = wire::tcp_flag::kFin | wire::tcp_flag::kRst;
  return (probe.payload_bytes | (probe.tcp_flags & kEnds)) == 0;
}

class Watch {
 public:
  static base::Result<std::unique_ptr<Watch>> create(
      std::shared_ptr<const signature::Database> database, const WatchSettings& settings);

  // Who is the protected host: by its networks where `roles` tell, else the side whose port has
  // logins, else the one with the lower port.
  [[nodiscard]] signature::Side sender_of(const wire::Probe& probe,
                                          const scan::Roles& roles) const noexcept;

  // Worth a look(): it has a payload that some pattern asks for by its port, or belongs to a
  // dialogue. A transfer at any other port costs the read of one or two bits.
  [[nodiscard]] bool wants(const wire::Probe& probe, signature::Side side) const noexcept;
  // The same without a look into the dialogues: true for all that it wants, and for other
  // connections at the same ports. A packet for another worker is asked about by the patterns of
  // this one: who receives it may not touch the owner's, which may be given up at any moment.
  [[nodiscard]] bool may_want(const wire::Probe& probe, signature::Side side,
                              const Watch& owner) const noexcept;
  [[nodiscard]] bool may_want(const wire::Probe& probe, signature::Side side) const noexcept {
    return may_want(probe, side, *this);
  }

  // `frame` is what the probe was parsed from; it may be shorter than the packet was.
  Notes look(const wire::Probe& probe, signature::Side side, std::span<const std::uint8_t> frame,
             base::Micros now) noexcept;

  // New patterns, while packets flow. The control thread makes a lens (any thread may), offers it
  // and collects what the worker gave up for it; the worker takes it between two bursts, without
  // waiting or freeing. Dialogues and counters stay; connections are followed anew from their next
  // segment, so that a pattern across the two is missed.
  [[nodiscard]] base::Result<std::unique_ptr<Lens>> make_lens(
      std::shared_ptr<const signature::Database> database) const;
  void offer(std::unique_ptr<Lens> next) { exchange_.offer(std::move(next)); }
  void collect() { exchange_.collect(); }
  void take_offered() noexcept;

  [[nodiscard]] const signature::MatcherCounters& counters() const noexcept {
    return *matcher_counters_;
  }
  [[nodiscard]] const WatchCounters& own_counters() const noexcept { return counters_; }

 private:
  struct Dialogue {
    bool is_ssh = false;
    bool offered = false;                // the client offered a login
    bool may_hide = false;               // it said more than was looked at
    bool guessed = false;                // it offered one with a program that guesses passwords
    std::uint16_t port = 0;              // of the protected host
    scan::Tool tool = scan::Tool::none;  // as the client calls itself
    std::uint32_t exploit = 0;           // waits for the server's answer; 0: none
    std::uint32_t said_until = 0;        // sequence number behind what the client said there
    std::uint16_t credentials = 0;       // that were offered (credentials.h)
    SshDialogue ssh;
  };
  // One packet, and what is worked out of it once.
  struct Packet {
    const wire::Probe& probe;
    signature::Side side;
    signature::FlowKey key;  // of the dialogue
    std::span<const std::uint8_t> bytes;
    scan::PayloadNote note;
  };

  explicit Watch(const WatchSettings& settings);
  [[nodiscard]] signature::FlowKey dialogue_key(const wire::Probe& probe,
                                                signature::Side side) const noexcept;
  Dialogue* known(signature::FlowKey key) noexcept;
  [[nodiscard]] signature::Turns turns_of(const Packet& packet) noexcept;
  Dialogue& opened(const Packet& packet) noexcept;
  void take_excuses(const signature::Hits& hits, const Packet& packet) noexcept;
  void take_hits(const signature::Hits& hits, Packet packet, Notes& notes) noexcept;
  void take_claim(const signature::Pattern& pattern, std::uint16_t index,
                  const Packet& packet) noexcept;
  void take_offer(Dialogue& dialogue, const Packet& packet) noexcept;
  void take_ssh(Packet packet, Notes& notes) noexcept;
  void take_answer(Packet packet, Notes& notes) noexcept;
  void take_end(const Packet& packet, Notes& notes) noexcept;

  [[nodiscard]] const signature::Database& database() const noexcept {
    return lens_->matcher->database();
  }

  std::shared_ptr<signature::MatcherCounters> matcher_counters_;
  signature::MatcherLimits limits_;
  std::unique_ptr<Lens> lens_;  // never nullptr once it is made
  LensExchange exchange_;
  signature::FlowHashKey key_;
  signature::FlowTable flows_;
  std::vector<Dialogue> dialogues_;
  OpenPorts open_ports_;
  WatchCounters counters_;
};

}  // namespace edgesentry::payload
