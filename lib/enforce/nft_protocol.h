// What the appliance and its programs for the kernel's packet filters, edgesentry-nft (which alone
// links libnftables) and edgesentry-xdp, say to each other: one frame a datagram over a socket pair
// (SOCK_SEQPACKET), one reply to each request, in order.
//
// Pure values, any thread. Both ends run on one machine, but neither trusts the other's bytes:
// every length and every value is checked, and what is wrong is an Error that says what.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"

namespace edgesentry::enforce {

inline constexpr std::uint16_t kNftVersion = 2;
inline constexpr std::size_t kNftElementsMax = 5000;  // of a batch, which the kernel takes as one
inline constexpr std::size_t kNftTextMax = 500;
// In the text of a reply that refuses a batch for want of room. Its counts, if it has any, are of
// the sources held then.
inline constexpr const char* kNoRoomWords = "has no room for more";

enum class NftAsk : std::uint8_t {
  hello,   // create what is missing; the first request
  check,   // the same, and look whether the tables hold what they should; a sample comes with it
  batch,   // add and delete elements, all or none
  begin,   // what is ordered from here on, until `end`, is everything that is to be blocked
  end,     // delete what was not ordered since `begin`
  remove,  // delete the own tables
  quit,    // end; the tables stay
  pass,    // let everything through until the next `end`; the tables need not stay
};
inline constexpr std::size_t kNftAsks = 8;

struct NftElement {
  base::Ip source;  // an IPv6 source with its host part cleared
  bool is_blocked = false;
  std::uint32_t timeout_s = 0;  // 0: for ever

  friend bool operator==(const NftElement&, const NftElement&) = default;
};

struct NftRequest {
  NftAsk ask = NftAsk::hello;
  std::uint32_t sequence = 0;
  std::vector<NftElement> elements;  // of a batch; of a check, some that must be there

  friend bool operator==(const NftRequest&, const NftRequest&) = default;
};

struct NftReply {
  NftAsk ask = NftAsk::hello;
  std::uint32_t sequence = 0;
  bool is_done = false;      // else `text` says why not; of a check it says where the filter is
  bool is_mended = false;    // a table was missing or not as it should be, and is again
  bool has_counts = false;   // there were few enough elements to count them
  std::uint64_t fewest = 0;  // of the tables' counts of elements
  std::uint64_t most = 0;
  std::uint64_t missing = 0;  // of the sample
  std::uint64_t drops = 0;    // packets, as the kernel's counters stand
  std::string text;

  friend bool operator==(const NftReply&, const NftReply&) = default;
};

inline constexpr std::size_t kNftHeaderBytes = 16;
inline constexpr std::size_t kNftElementBytes = 24;
inline constexpr std::size_t kNftFrameMax = kNftHeaderBytes + kNftElementsMax * kNftElementBytes;

// No more than kNftElementsMax elements: the caller cuts them.
[[nodiscard]] std::vector<std::byte> encode(const NftRequest& request);
// A longer text is cut.
[[nodiscard]] std::vector<std::byte> encode(const NftReply& reply);

[[nodiscard]] base::Result<NftRequest> decode_nft_request(std::span<const std::byte> frame);
[[nodiscard]] base::Result<NftReply> decode_nft_reply(std::span<const std::byte> frame);

}  // namespace edgesentry::enforce
