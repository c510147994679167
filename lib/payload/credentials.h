// What a client offered to be let in with, in 16 bits: enough to tell the same words said again
// from another guess, and too few to learn anything from. Keyed, so that nobody can choose guesses
// that look the same.
//
// Who guesses changes the guess; a browser with an old password does not. Whatever was not seen as
// a whole is `kUnknownCredentials`, which is like nothing else: it may hide a guess.
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <span>

#include "base/ip.h"
#include "signature/flow_key.h"

namespace edgesentry::payload {

inline constexpr std::uint16_t kUnknownCredentials = 0;

// Of all lines "Authorization" and "Proxy-Authorization" in a segment of requests to `target`
// (RFC 9110 sections 11.6.2 and 11.7.2). Unknown when a line goes on in the next segment or on the
// next line (RFC 9112 section 5.2), and when the password may stand in the body.
[[nodiscard]] std::uint16_t authorization(std::span<const std::uint8_t> bytes,
                                          const base::Ip& target,
                                          const signature::FlowHashKey& key) noexcept;

// Of two offers that are answered together.
[[nodiscard]] std::uint16_t both(std::uint16_t first, std::uint16_t second) noexcept;

}  // namespace edgesentry::payload
