// The short way through the parser, for what nearly all frames are. In a header so that it becomes
// part of the worker's loop: the call alone cost a tenth of a packet.
#pragma once

#include <immintrin.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <span>

#include "wire/load.h"
#include "wire/probe.h"
#include "wire/tcp_options.h"

namespace edgesentry::wire {

// The UDP ports behind which a packet may stand inside a packet: VXLAN (RFC 7348), VXLAN as Linux
// had it before IANA gave it a port, Geneve (RFC 8926).
inline constexpr std::uint16_t kVxlanPort = 4789, kVxlanOldPort = 8472, kGenevePort = 6081;

constexpr bool is_tunnel_port(std::uint16_t port) noexcept {
  return port == kVxlanPort || port == kVxlanOldPort || port == kGenevePort;
}

namespace detail {

// Where the bytes of a probe's four pieces come from: of the IP header from its identification on,
// and of the transport header. `kNo` gives 0.
inline constexpr char kNo = -1;
using Bytes16 = std::array<char, 16>;
inline constexpr Bytes16 kSourceOfIp{kNo, kNo, kNo, kNo, kNo, kNo, kNo, kNo,
                                     kNo, kNo, kNo, kNo, 8,   9,   10,  11};
inline constexpr Bytes16 kTargetOfIp{kNo, kNo, kNo, kNo, kNo, kNo, kNo, kNo,
                                     kNo, kNo, kNo, kNo, 12,  13,  14,  15};
inline constexpr Bytes16 kIdentificationOfIp{kNo, kNo, kNo, kNo, kNo, kNo, kNo, kNo,
                                             1,   0,   kNo, kNo, kNo, kNo, kNo, kNo};
// Protocol, TTL, and the byte of which one bit is "don't fragment".
inline constexpr Bytes16 kKindOfIp{kNo, 5,   kNo, kNo, kNo, 4,   2,   kNo,
                                   kNo, kNo, kNo, kNo, kNo, kNo, kNo, kNo};
inline constexpr Bytes16 kNumbersOfTcp{7,   6,   5,   4,   11, 10, 9,   8,
                                       kNo, kNo, kNo, kNo, 15, 14, kNo, kNo};
inline constexpr Bytes16 kFlagsAndPortsOfTcp{kNo, kNo, 13, kNo, kNo, kNo, kNo, kNo,
                                             1,   0,   3,  2,   kNo, kNo, kNo, kNo};
inline constexpr Bytes16 kPortsOfUdp{kNo, kNo, kNo, kNo, kNo, kNo, kNo, kNo,
                                     1,   0,   3,   2,   kNo, kNo, kNo, kNo};
inline constexpr Bytes16 kKnownBits{-1, -1, -1, -1, -1, -1, trait::kDontFragment, -1, -1, -1,
                                    -1, -1, -1, -1, -1, -1};
inline constexpr Bytes16 kIsUdp{static_cast<char>(ParseOutcome::udp)};
inline constexpr Bytes16 kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, 0, 0, 0, 0};  // ::ffff:0:0
static_assert(static_cast<int>(ParseOutcome::tcp) == 0 && offsetof(Probe, sequence) == 32 &&
              offsetof(Probe, identification) == 40 && offsetof(Probe, window) == 44 &&
              offsetof(Probe, protocol) == 49 && offsetof(Probe, tcp_flags) == 50 &&
              offsetof(Probe, ttl) == 53 && offsetof(Probe, traits) == 54 &&
              offsetof(Probe, source_port) == 56 && offsetof(Probe, quoted_source_port) == 60);

inline __m128i load16_bytes(const void* at) noexcept {
  return _mm_loadu_si128(static_cast<const __m128i*>(at));
}
inline __m128i pick(__m128i bytes, const Bytes16& from) noexcept {
  return _mm_shuffle_epi8(bytes, load16_bytes(from.data()));
}

}  // namespace detail

// Untagged Ethernet, IPv4 without options, no fragment, whole, TCP or
// UDP that is no tunnel's. One length check covers every fixed field. False: anything unusual, and
// nothing is promised about `probe`; the full parser finds out what it is.
inline bool parse_common(std::span<const std::uint8_t> frame, Probe& probe) noexcept {
  using namespace detail;
  constexpr std::size_t kIpAt = 14, kTransportAt = 34;
  constexpr std::size_t kOffsetAt = 5, kBytesAt = 7;  // 16-bit words of the third piece
  if (frame.size() < kTransportAt + 20) return false;
  const std::uint8_t* at = frame.data();
  std::uint32_t type_and_version;  // ethertype 0x0800, version 4 with header length 5
  std::memcpy(&type_and_version, at + 12, sizeof(type_and_version));
  if ((type_and_version & 0x00ffffff) != 0x00450008) return false;
  const std::uint32_t total = load16(at + kIpAt + 2);
  constexpr std::uint16_t kFragmentBits = 0xff3f;  // 0x3fff in network order
  std::uint16_t fragment;
  std::memcpy(&fragment, at + kIpAt + 6, sizeof(fragment));
  if ((fragment & kFragmentBits) != 0 || total + kIpAt > frame.size()) return false;
  const std::uint8_t protocol = at[kIpAt + 9];
  const __m128i ip = load16_bytes(at + kIpAt + 4), transport = load16_bytes(at + kTransportAt);
  const __m128i identification = pick(ip, kIdentificationOfIp), kind = pick(ip, kKindOfIp);
  const __m128i mapped = load16_bytes(kMapped.data()), known = load16_bytes(kKnownBits.data());
  auto* const pieces = reinterpret_cast<__m128i*>(&probe);
  _mm_store_si128(pieces, _mm_or_si128(pick(ip, kSourceOfIp), mapped));
  _mm_store_si128(pieces + 1, _mm_or_si128(pick(ip, kTargetOfIp), mapped));

  if (protocol == 17) {
    constexpr int kHeader = 8;
    if (total < 20 + kHeader || is_tunnel_port(load16(at + kTransportAt + 2))) return false;
    const __m128i sizes = _mm_insert_epi16(identification, kTransportAt + kHeader, kOffsetAt);
    _mm_store_si128(pieces + 2,
                    _mm_insert_epi16(sizes, static_cast<int>(total - 20 - kHeader), kBytesAt));
    const __m128i udp = _mm_or_si128(pick(transport, kPortsOfUdp), load16_bytes(kIsUdp.data()));
    _mm_store_si128(pieces + 3, _mm_or_si128(_mm_and_si128(kind, known), udp));
    return true;
  }
  const std::uint32_t header = std::uint32_t{at[kTransportAt + 12]} >> 4 << 2;
  if (protocol != 6 || header < 20 || total < 20 + header) return false;
  const __m128i sizes =
      _mm_insert_epi16(identification, static_cast<int>(kTransportAt + header), kOffsetAt);
  const __m128i numbers = _mm_insert_epi16(sizes, static_cast<int>(total - 20 - header), kBytesAt);
  _mm_store_si128(pieces + 2, _mm_or_si128(numbers, pick(transport, kNumbersOfTcp)));
  __m128i last = _mm_and_si128(_mm_or_si128(kind, pick(transport, kFlagsAndPortsOfTcp)), known);
  if ((at[kTransportAt + 13] & tcp_flag::kSyn) && header > 20) {
    const TcpOptions options = tcp_options(at + kTransportAt + 20, header - 20);
    last = _mm_or_si128(last, _mm_set_epi32(static_cast<int>(std::rotl(options.layout, 16)), 0,
                                            options.traits << 16, 0));
  }
  _mm_store_si128(pieces + 3, last);
  return true;
}

}  // namespace edgesentry::wire
