// A responder over frames: parses, asks, and reads back what it would send, with every length and
// checksum checked by a second implementation (packet_builder.h).
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

#include "support/packet_builder.h"
#include "support/parsed.h"
#include "support/sample_frames.h"
#include "verify/responder.h"

namespace edgesentry::verify {

using test::Bytes;
using test::PacketBuilder;

inline constexpr scan::HashKey kKey = {1, 2, 3, 4};
inline constexpr std::string_view kScanner = "198.51.100.7", kTarget = "203.0.113.9";
inline constexpr std::string_view kScanner6 = "2001:db8:bad::7", kTarget6 = "2001:db8:5e::9";
inline constexpr base::Micros kStart = base::seconds(1'000'000);

struct Answer {
  Reply reply;
  Bytes frame;
  wire::Probe probe;  // as the source would read it
};

class ResponderRig {
 public:
  explicit ResponderRig(ResponderSettings settings = {.key = kKey}) : responder(settings) {
    policy.verification.mode = scan::Verify::challenge;
  }

  Answer ask(const Bytes& frame) { return ask_as(wire::parsed(frame), frame); }

  Answer ask_as(const wire::Probe& probe, const Bytes& frame) {
    test::Guarded memory;
    Answer answer;
    answer.frame.resize(kReplyMax);
    answer.reply = responder.reply(probe, memory.hold(frame), policy, now, answer.frame);
    answer.frame.resize(answer.reply.bytes);
    if (answer.reply.bytes > 0) answer.probe = wire::parsed(answer.frame);
    return answer;
  }

  // The kernel's clock goes on, so that no rate is in the way.
  Answer ask_later(const Bytes& frame) {
    now.value += 1'000'000;
    return ask(frame);
  }

  scan::DetectionPolicy policy;
  Responder responder;
  base::Micros now = kStart;
};

inline PacketBuilder probe_of(bool is_ipv6 = false) {
  PacketBuilder builder;
  return is_ipv6 ? builder.ip(kScanner6, kTarget6) : builder.ip(kScanner, kTarget);
}

inline bool is_refused(const Answer& answer, scan::ReplyRefusal refusal) {
  return answer.reply.bytes == 0 && answer.reply.refusal == refusal;
}

}  // namespace edgesentry::verify
