// What a source's reaction to a protected server's SYN-ACK shows. RFC 9293 section 3.10.7.
#pragma once

#include "scan/suspect.h"
#include "wire/probe.h"

namespace edgesentry::scan {

[[nodiscard]] inline bool is_to_challenger(const Suspect& suspect,
                                           const wire::Probe& probe) noexcept {
  return suspect.has_challenge && probe.outcome == wire::ParseOutcome::tcp &&
         probe.target_port == suspect.challenge_port &&
         probe.source_port == suspect.challenge_source_port &&
         wire::fold(probe.target) == suspect.challenge_target;
}

// Proof: the number that the SYN-ACK asked for, which a forger, who never sees it, must guess.
[[nodiscard]] inline bool acknowledges_challenge(const Suspect& suspect,
                                                 const wire::Probe& probe) noexcept {
  using namespace wire::tcp_flag;
  return (probe.tcp_flags & (kAck | kRst | kSyn)) == kAck &&
         probe.acknowledgement == suspect.challenge_ack && is_to_challenger(suspect, probe);
}

// Less than proof: a host lives there and did not expect the SYN-ACK, so that it reset it with the
// number that it acknowledges. A raw socket's kernel does so; so does any live host whose address
// was borrowed, and a forger who follows his probes up could.
[[nodiscard]] inline bool resets_challenge(const Suspect& suspect,
                                           const wire::Probe& probe) noexcept {
  using namespace wire::tcp_flag;
  return (probe.tcp_flags & (kRst | kAck)) == kRst && probe.sequence == suspect.challenge_reset &&
         is_to_challenger(suspect, probe);
}

}  // namespace edgesentry::scan
