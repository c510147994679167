// What the appliance says to a probe in the place of its target: a pure function of the probe, the
// policy and the time. Nothing is remembered between two packets; what must be known again stands
// in the numbers that the peer sends back.
//
// - A SYN to a deception port: a SYN-ACK whose sequence number is the cookie (RFC 4987, 3.6). What
//   the client then acknowledges beyond the cookie is how much of the banner it has. The SYN is
//   taken only when the source has paid for the banner. Before that, one with timestamps, as
//   kernels send them, is left to come again, and any other is challenged.
// - A tarpit: the same with a window of zero, never data. Where the client offers timestamps
//   (RFC 7323), the appliance's timestamp is the client's first sequence number: the client echoes
//   it in each segment, and so each probe of the window gets the very acknowledgement it expects.
// - Anything else: a SYN-ACK whose acknowledgement number is the cookie. A host that has no such
//   connection resets it, with that number for a sequence number (RFC 9293, section 3.10.7).
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/units.h"
#include "scan/cookie.h"
#include "scan/detection_policy.h"
#include "scan/reply.h"
#include "verify/frame_view.h"
#include "verify/reply_frame.h"
#include "wire/probe.h"

namespace edgesentry::verify {

struct Heard {
  const wire::Probe& probe;
  const FrameView& frame;
  std::uint32_t credit = 0;  // bytes that may be spent, with those of this packet
};

struct Said {
  bool is_answer = false;
  scan::ReplyKind kind = scan::ReplyKind::challenge;          // when it is
  scan::ReplyRefusal refusal = scan::ReplyRefusal::unneeded;  // when it is not
  Segment segment;
};

class Talk {
 public:
  Talk(const scan::CookieKey& key, const scan::Verification& terms, base::Micros now) noexcept
      : key_(key), terms_(terms), now_(now) {}
  Talk(const Talk&) = delete;
  Talk& operator=(const Talk&) = delete;

  // Valid as long as this object and the policy.
  [[nodiscard]] Said reply_to(const Heard& heard) noexcept;

 private:
  struct Stamps;  // of the timestamps option

  [[nodiscard]] Said answer_tcp(const Heard& heard) noexcept;
  [[nodiscard]] Said open(const Heard& heard) noexcept;
  [[nodiscard]] Said challenge(const Heard& heard) noexcept;
  [[nodiscard]] Said hold(const Heard& heard, const Stamps& stamps) noexcept;
  [[nodiscard]] Said tell(const Heard& heard, std::uint32_t told) noexcept;
  [[nodiscard]] std::span<const std::uint8_t> stamp(std::uint32_t ours,
                                                    std::uint32_t theirs) noexcept;
  // How far the client has read, counted from behind the cookie; kUnknown when it has none.
  [[nodiscard]] std::uint32_t read_so_far(const wire::Probe& probe) const noexcept;

  const scan::CookieKey key_;
  const scan::Verification& terms_;
  const base::Micros now_;
  std::array<std::uint8_t, 12> options_{};
};

}  // namespace edgesentry::verify
