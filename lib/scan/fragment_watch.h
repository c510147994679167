// Fragments that write over what another fragment of their datagram wrote, so that who looks at the
// first one and who puts them together see different packets (RFC 1858 section 4; RFC 5722 forbids
// it for IPv6). No stack cuts a datagram so.
//
// Not so: fragments in any order, a fragment sent twice just as it was, another datagram with the
// identification of one that is complete, or of one whose first fragment comes again (RFC 4963:
// identifications come round within seconds at high rates). What is left of that case counts as one
// contact for each target and port, of which it takes as many as of impossible flags.
//
// Owner: one worker. Fixed memory, a line for each datagram that waits for the rest; of two that
// share a place the newer stays, so a flood of fragments can make it blind but not accuse anybody.
// Of a datagram the last eleven fragments are known. Never allocates; time is passed in.
#pragma once

#include <array>
#include <cstdint>

#include "base/ip.h"
#include "base/units.h"
#include "scan/inspect.h"
#include "scan/touch.h"
#include "wire/fragment.h"
#include "wire/probe.h"

namespace edgesentry::scan {

class FragmentWatch {
 public:
  static constexpr std::size_t kDatagrams = 1024;
  static constexpr std::size_t kSpans = 11;
  // Linux waits as long for the rest (net.ipv4.ipfrag_time); RFC 791: 15 s, RFC 8200: 60 s.
  static constexpr base::Micros kWait = base::seconds(30);

  // What a probe with trait::kFragment says: `touch`, or an abnormal one. A TCP fragment that
  // begins with the second unit is abnormal by itself: it holds the flags of a first one that can
  // only be tiny, or is there to be written over (RFC 1858 section 3 and 4, RFC 3128).
  [[nodiscard]] Touch judge(const wire::Probe& probe, const Touch& touch, const HashKey& key,
                            base::Micros now) noexcept;

 private:
  struct Span {
    std::uint16_t begin = 0, end = 0;  // units of 8 octets
  };
  struct alignas(base::kCacheLine) Datagram {
    std::uint64_t who = 0;             //  0  source, target, protocol and identification; 0: nobody
    std::uint32_t began_ms = 0;        //  8
    std::uint16_t port = 0;            // 12  of the first fragment, once it came
    std::uint16_t whole = 0;           // 14  units in all, once the last one came
    std::uint16_t covered = 0;         // 16  units that came
    std::uint8_t spans_ever = 0;       // 18  saturates at a multiple of kSpans
    std::uint8_t unused = 0;           // 19
    std::array<Span, kSpans> spans{};  // 20
  };
  static_assert(sizeof(Datagram) == base::kCacheLine);

  [[nodiscard]] Datagram& place_of(const wire::Probe& probe, const HashKey& key,
                                   base::Micros now) noexcept;
  [[nodiscard]] static bool overlaps(Datagram& datagram, const wire::FragmentSpan& span) noexcept;

  std::array<Datagram, kDatagrams> datagrams_{};
};

}  // namespace edgesentry::scan
