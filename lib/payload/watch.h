// Payloads of one worker, from packet to evidence: patterns (signature::Matcher), the login
// dialogue of SSH, and what belongs together within a connection.
//
// A refusal of HTTP or Redis counts only on a connection where the source offered a password:
// servers refuse everybody who has not. An exploit counts once the server answers it: a payload
// without a handshake may be forged. What names itself a program for guessing passwords has failed
// with each connection that the server answers: a form's refusal looks like any page.
//
// Owner: one worker, or replay. All memory is taken when it is made. Connections without a place
// push out the one unused longest.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/units.h"
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

// What one packet gave.
struct Notes {
  static constexpr std::size_t kMax = signature::Hits::kMax + 2;
  std::array<scan::PayloadNote, kMax> at;
  std::size_t count = 0;
  void add(const scan::PayloadNote& note) noexcept {
    if (count < at.size()) at[count++] = note;
  }
  [[nodiscard]] std::span<const scan::PayloadNote> all() const noexcept {
    return {at.data(), count};
  }
};

class Watch {
 public:
  static base::Result<std::unique_ptr<Watch>> create(
      std::shared_ptr<const signature::Database> database, const WatchSettings& settings);

  // Who is the protected host: by its networks where `roles` tell, else the side whose port has
  // logins, else the one with the lower port.
  [[nodiscard]] signature::Side sender_of(const wire::Probe& probe,
                                          const scan::Roles& roles) const noexcept;

  // Worth a look(): it has a payload or ends a connection, and somebody asks for its port.
  [[nodiscard]] bool wants(const wire::Probe& probe, signature::Side side) const noexcept;

  // `frame` is what the probe was parsed from; it may be shorter than the packet was.
  Notes look(const wire::Probe& probe, signature::Side side, std::span<const std::uint8_t> frame,
             base::Micros now) noexcept;

  [[nodiscard]] const signature::MatcherCounters& counters() const noexcept {
    return matcher_->counters();
  }

 private:
  struct Dialogue {
    bool is_ssh = false;
    bool offered = false;       // the client offered a login
    bool guessed = false;       // ... with a program that guesses passwords
    std::uint32_t exploit = 0;  // waits for the server's answer; 0: none
    SshDialogue ssh;
  };

  Watch(std::unique_ptr<signature::Matcher> matcher, const WatchSettings& settings);
  [[nodiscard]] signature::FlowKey dialogue_key(const wire::Probe& probe,
                                                signature::Side side) const noexcept;
  Dialogue* known(signature::FlowKey key) noexcept;
  Dialogue& opened(signature::FlowKey key) noexcept;
  void take_hits(const signature::Hits& hits, signature::FlowKey key, scan::PayloadNote note,
                 Notes& notes) noexcept;
  void take_ssh(const wire::Probe& probe, signature::Side side, std::span<const std::uint8_t> bytes,
                scan::PayloadNote note, Notes& notes) noexcept;
  void take_answer(Dialogue* dialogue, std::span<const std::uint8_t> bytes, scan::PayloadNote note,
                   Notes& notes) noexcept;

  std::unique_ptr<signature::Matcher> matcher_;
  signature::FlowHashKey key_;
  signature::FlowTable flows_;
  std::vector<Dialogue> dialogues_;
};

}  // namespace edgesentry::payload
