// What the appliance answers in the place of a target (lib/verify), and why it stays silent: the
// names that counters, metrics and tests share.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace edgesentry::scan {

enum class ReplyKind : std::uint8_t {
  challenge,  // a SYN-ACK with an acknowledgement that only its receiver can know
  syn_ack,    // the second packet of a handshake with the appliance
  banner,     // what a deception port says, and the end of the conversation
  ack,        // of the client's own end
  hold,       // a tarpit's window of zero
};
inline constexpr std::array<std::string_view, 5> kReplyNames = {"challenge", "syn_ack", "banner",
                                                                "ack", "hold"};

enum class ReplyRefusal : std::uint8_t {
  unneeded,     // what must not be answered: resets, SYN-ACKs, errors, replies, bare ACKs
  address,      // no single host is meant, or none can have sent it
  malformed,    // fragments, tunnels, extension headers, lengths that lie
  checksum,     // damaged, or made so
  unpaid,       // the source has sent fewer bytes than the reply would have
  source_rate,  // verify.replies_per_second
  total_rate,   // verify.replies_per_second_total
  buffer,       // the packet's buffer is shared or in pieces
  transmit,     // the port's queue had no room
};
inline constexpr std::array<std::string_view, 9> kReplyRefusalNames = {
    "unneeded",    "address",    "malformed", "checksum", "unpaid",
    "source_rate", "total_rate", "buffer",    "transmit"};

}  // namespace edgesentry::scan
