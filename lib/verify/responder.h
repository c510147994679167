// Answers probes in the place of targets that would not have: one worker's half of proof of source
// (docs/detection.md, "Proof of source"). What to say is in talk.h; here stands whether to.
//
// Owner: one worker. Hostile input; nothing is allocated after construction, nothing fails: a reply
// that is not sent has a named reason. At most one packet goes out for one that came in, and to no
// address more bytes (of IP packets) than came from it and were dropped.
#pragma once

#include <cstdint>
#include <span>

#include "base/units.h"
#include "scan/cookie.h"
#include "scan/detection_policy.h"
#include "scan/inspect.h"
#include "scan/reply.h"
#include "verify/credit.h"
#include "verify/reply_frame.h"
#include "wire/probe.h"

namespace edgesentry::verify {

struct ResponderSettings {
  scan::HashKey key{};
  std::uint16_t workers = 1;  // share the total rate
  std::uint8_t ipv6_prefix = 64;
  std::size_t sets = 4096;  // of four sources and 128 bytes
};

struct Reply {
  std::uint16_t bytes = 0;  // of the frame in `out`; 0: refused
  scan::ReplyKind kind = scan::ReplyKind::challenge;
  scan::ReplyRefusal refusal = scan::ReplyRefusal::unneeded;  // when bytes is 0
};

class Responder {
 public:
  explicit Responder(const ResponderSettings& settings)
      : settings_(settings), cookie_key_(scan::cookie_key(settings.key)), table_(settings.sets) {}

  // The packet is dropped without a reply: it pays for later ones.
  void note(const wire::Probe& probe, std::span<const std::uint8_t> frame,
            base::Micros now) noexcept;

  // The packet is dropped, and `out` (kReplyMax bytes) holds what to send back by its port. The
  // policy's verification.mode is `challenge`.
  [[nodiscard]] Reply reply(const wire::Probe& probe, std::span<const std::uint8_t> frame,
                            const scan::DetectionPolicy& policy, base::Micros now,
                            std::span<std::uint8_t> out) noexcept;

 private:
  [[nodiscard]] Account account_of(const wire::Probe& probe, base::Micros now) noexcept;

  ResponderSettings settings_;
  scan::CookieKey cookie_key_;
  CreditTable table_;
  RateLimit total_;
};

}  // namespace edgesentry::verify
