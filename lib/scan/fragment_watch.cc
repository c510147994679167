#include "scan/fragment_watch.h"

#include <algorithm>
#include <bit>
#include <span>

#include "scan/source_key.h"

namespace edgesentry::scan {

namespace {

using Words = std::array<std::uint64_t, 2>;

constexpr std::uint16_t kSecondUnit = 1;
constexpr std::uint8_t kTcp = 6, kUdp = 17, kIcmp = 1, kIcmpV6 = 58, kSctp = 132;

std::uint64_t name_of(const wire::Probe& probe, const HashKey& key) noexcept {
  const auto source = std::bit_cast<Words>(probe.source.bytes());
  const auto target = std::bit_cast<Words>(probe.target.bytes());
  // RFC 791 tells datagrams apart by protocol as well, RFC 8200 does not: extension headers may
  // hide it in later fragments.
  const std::uint64_t protocol = probe.traits & wire::trait::kIpv6 ? 0 : probe.protocol;
  const std::uint64_t rest = protocol << 16 | probe.identification;
  std::uint64_t hash = folded_multiply(source[0] ^ key[0], source[1] ^ key[1]);
  hash = folded_multiply(hash ^ target[0] ^ key[2], target[1] ^ key[3]);
  return folded_multiply(hash ^ key[1], rest ^ key[2]) | 1;
}

PortClass class_of(std::uint8_t protocol) noexcept {
  switch (protocol) {
    case kTcp:
      return PortClass::tcp;
    case kUdp:
      return PortClass::udp;
    case kSctp:
      return PortClass::sctp;
    case kIcmp:
    case kIcmpV6:
      return PortClass::icmp;
    default:
      return PortClass::protocol;
  }
}

}  // namespace

FragmentWatch::Datagram& FragmentWatch::place_of(const wire::Probe& probe, const HashKey& key,
                                                 base::Micros now) noexcept {
  const std::uint64_t who = name_of(probe, key);
  Datagram& datagram = datagrams_[(who >> 32) % kDatagrams];
  const auto now_ms = static_cast<std::uint32_t>(now.value / 1000);
  if (datagram.who != who || now_ms - datagram.began_ms > kWait.value / 1000) {
    datagram = {};
    datagram.who = who;
    datagram.began_ms = now_ms;
  }
  return datagram;
}

// Keeps the fragment, unless it came before or overlaps one that did.
bool FragmentWatch::overlaps(Datagram& datagram, const wire::FragmentSpan& span) noexcept {
  const auto known =
      std::span(datagram.spans).first(std::min<std::size_t>(datagram.spans_ever, kSpans));
  for (const Span& other : known) {
    if (other.begin == span.begin && other.end == span.end) {
      if (span.begin != 0) return false;
      // Twice the same, or another datagram begins: what else is known may be of the one before.
      datagram.spans[0] = other;
      datagram.spans_ever = 1;
      datagram.covered = span.end;
      datagram.whole = 0;
      return false;
    }
    if (span.begin < other.end && other.begin < span.end) return true;
  }
  datagram.spans[datagram.spans_ever % kSpans] = {span.begin, span.end};
  datagram.spans_ever = static_cast<std::uint8_t>(
      datagram.spans_ever < 2 * kSpans ? datagram.spans_ever + 1 : kSpans + 1);
  datagram.covered = static_cast<std::uint16_t>(datagram.covered + (span.end - span.begin));
  if (!span.more) datagram.whole = span.end;
  if (datagram.whole != 0 && datagram.covered >= datagram.whole) datagram.who = 0;
  return false;
}

Touch FragmentWatch::judge(const wire::Probe& probe, const Touch& touch, const HashKey& key,
                           base::Micros now) noexcept {
  const wire::FragmentSpan span = wire::fragment_span(probe);
  if (span.begin >= span.end || is_for_many(probe.target)) return touch;
  Datagram& datagram = place_of(probe, key, now);
  if (span.begin == 0) datagram.port = probe.target_port;
  const bool hides_flags = span.begin == kSecondUnit && probe.protocol == kTcp;
  if (!overlaps(datagram, span) && !hides_flags) return touch;
  const PortClass port_class = class_of(probe.protocol);
  const std::uint16_t port = port_class == PortClass::protocol ? probe.protocol : datagram.port;
  return {TouchKind::abnormal, Technique::fragment, port_class, port};
}

}  // namespace edgesentry::scan
