#include "verify/frame_view.h"

#include <algorithm>

#include "verify/checksum.h"
#include "wire/load.h"

namespace edgesentry::verify {

namespace {

using scan::ReplyRefusal;
using wire::load16;
using wire::ParseOutcome;

constexpr std::size_t kAddresses = 12;  // two of Ethernet
constexpr std::size_t kTag = 4;
constexpr std::size_t kTagsMax = 2;
constexpr std::uint16_t kIpv4 = 0x0800, kIpv6 = 0x86dd, kVlan = 0x8100, kQinq = 0x88a8;
constexpr std::uint8_t kTcp = 6, kUdp = 17, kIcmp = 1, kIcmpv6 = 58, kSctp = 132;

// Bytes up to the IP header, 0 when there is none.
std::size_t link_bytes(std::span<const std::uint8_t> frame) noexcept {
  std::size_t at = kAddresses;
  for (std::size_t tags = 0; at + 2 <= frame.size(); ++tags, at += kTag) {
    const std::uint16_t type = load16(frame.data() + at);
    if (type == kIpv4 || type == kIpv6) return at + 2;
    if ((type != kVlan && type != kQinq) || tags == kTagsMax) return 0;
  }
  return 0;
}

// The IP packet, cut to what its header says; empty when that is not all there.
std::span<const std::uint8_t> ip_packet(std::span<const std::uint8_t> frame,
                                        std::size_t link) noexcept {
  const auto packet = frame.subspan(link);
  const bool is_v4 = load16(frame.data() + link - 2) == kIpv4;
  if (packet.size() < (is_v4 ? 20u : 40u) || packet[0] >> 4 != (is_v4 ? 4 : 6)) return {};
  const std::size_t total =
      is_v4 ? load16(packet.data() + 2) : std::size_t{40} + load16(packet.data() + 4);
  if (total > packet.size() || total < (is_v4 ? 20u : 40u) || total > 0xffff) return {};
  return packet.first(total);
}

// The transport behind the IP header; empty when something else stands between, or nothing.
std::span<const std::uint8_t> transport_of(std::span<const std::uint8_t> packet,
                                           std::uint8_t protocol) noexcept {
  if (packet[0] >> 4 == 6)
    return packet[6] == protocol ? packet.subspan(40) : std::span<const std::uint8_t>{};
  const std::size_t header = std::size_t{packet[0] & 0x0fu} * 4;
  if (header < 20 || header > packet.size() || (load16(packet.data() + 6) & 0x3fff) != 0) return {};
  return packet[9] == protocol ? packet.subspan(header) : std::span<const std::uint8_t>{};
}

bool is_ip_header_whole(std::span<const std::uint8_t> packet) noexcept {
  if (packet[0] >> 4 == 6) return true;
  return checksum_of(sum_of(packet.first(std::size_t{packet[0] & 0x0fu} * 4))) == 0;
}

bool is_transport_whole(const wire::Probe& probe,
                        std::span<const std::uint8_t> transport) noexcept {
  switch (probe.outcome) {
    case ParseOutcome::tcp:
      return checksum_of(pseudo_header_sum(probe.source, probe.target, kTcp, transport.size()) +
                         sum_of(transport)) == 0;
    case ParseOutcome::udp: {
      const std::uint16_t length = load16(transport.data() + 4);
      if (length < 8 || length > transport.size()) return false;
      if (load16(transport.data() + 6) == 0) return probe.source.is_v4();  // RFC 768: none was made
      return checksum_of(pseudo_header_sum(probe.source, probe.target, kUdp, length) +
                         sum_of(transport.first(length))) == 0;
    }
    case ParseOutcome::icmp: {
      const std::uint64_t pseudo =
          probe.source.is_v4()
              ? 0
              : pseudo_header_sum(probe.source, probe.target, kIcmpv6, transport.size());
      return checksum_of(pseudo + sum_of(transport)) == 0;
    }
    case ParseOutcome::sctp: {
      // The checksum is made with zeros in its own place, and stands in little-endian order.
      constexpr std::size_t kMost = 1500;
      if (transport.size() > kMost) return false;
      std::array<std::uint8_t, kMost> copy;
      std::copy(transport.begin(), transport.end(), copy.begin());
      std::fill_n(copy.begin() + 8, 4, std::uint8_t{0});
      return __builtin_bswap32(wire::load32(transport.data() + 8)) ==
             crc32c_of(std::span(copy).first(transport.size()));
    }
    default:
      return true;  // no checksum that the appliance would know of
  }
}

std::size_t least_transport(ParseOutcome outcome) noexcept {
  return outcome == ParseOutcome::tcp    ? 20
         : outcome == ParseOutcome::sctp ? 12
         : outcome == ParseOutcome::udp  ? 8
         : outcome == ParseOutcome::icmp ? 4
                                         : 0;
}

std::uint8_t protocol_of(const wire::Probe& probe) noexcept {
  switch (probe.outcome) {
    case ParseOutcome::tcp:
      return kTcp;
    case ParseOutcome::udp:
      return kUdp;
    case ParseOutcome::sctp:
      return kSctp;
    case ParseOutcome::icmp:
      return probe.source.is_v4() ? kIcmp : kIcmpv6;
    default:
      return probe.protocol;
  }
}

}  // namespace

std::uint16_t ip_bytes_of(std::span<const std::uint8_t> frame) noexcept {
  const std::size_t link = link_bytes(frame);
  return link == 0 ? 0 : static_cast<std::uint16_t>(ip_packet(frame, link).size());
}

FrameRead read_frame(const wire::Probe& probe, std::span<const std::uint8_t> frame) noexcept {
  FrameRead read;
  const bool is_told = probe.outcome <= ParseOutcome::other_protocol;
  if (!is_told || (probe.traits & (wire::trait::kDecapsulated | wire::trait::kFragment)) != 0)
    return read;
  const std::size_t link = link_bytes(frame);
  if (link == 0) return read;
  const auto packet = ip_packet(frame, link);
  if (packet.empty() || (packet[0] >> 4 == 4) != probe.source.is_v4()) return read;
  const auto transport = transport_of(packet, protocol_of(probe));
  if (transport.data() == nullptr || transport.size() < least_transport(probe.outcome)) return read;
  if (!is_ip_header_whole(packet) || !is_transport_whole(probe, transport)) {
    read.refusal = ReplyRefusal::checksum;
    return read;
  }
  read.is_answerable = true;
  read.view = {frame.first(link), transport, static_cast<std::uint16_t>(packet.size())};
  return read;
}

}  // namespace edgesentry::verify
