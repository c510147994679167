#include "verify/reply_frame.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/endian.h"
#include "verify/checksum.h"

namespace edgesentry::verify {

namespace {

using base::Be16;
using base::Be32;

constexpr std::uint8_t kTcp = 6, kTtl = 64;
constexpr std::size_t kMac = 6, kTcpHeader = 20;

// As they stand on the wire, RFC 791 section 3.1, RFC 8200 section 3, RFC 9293 section 3.1.
struct Ipv4Header {
  std::uint8_t version_and_length = 0x45, service = 0;
  Be16 total, identification, fragment{0x4000};  // DF
  std::uint8_t ttl = kTtl, protocol = kTcp;
  Be16 checksum;
  std::array<std::uint8_t, 4> source, target;
};
static_assert(sizeof(Ipv4Header) == 20);

struct Ipv6Header {
  Be32 version{6u << 28};
  Be16 payload;
  std::uint8_t next = kTcp, hops = kTtl;
  std::array<std::uint8_t, 16> source, target;
};
static_assert(sizeof(Ipv6Header) == 40);

struct TcpHeader {
  Be16 source_port, target_port;
  Be32 sequence, acknowledgement;
  std::uint8_t offset, flags;
  Be16 window, checksum, urgent;
};
static_assert(sizeof(TcpHeader) == kTcpHeader);

std::array<std::uint8_t, 4> last_four(const base::Ip& ip) noexcept {
  std::array<std::uint8_t, 4> four;
  std::copy_n(ip.bytes().begin() + 12, 4, four.begin());
  return four;
}

template <class T>
std::uint8_t* put(std::uint8_t* at, const T& header) noexcept {
  std::memcpy(at, &header, sizeof(header));
  return at + sizeof(header);
}

std::uint8_t* put_ip(const Segment& segment, std::size_t total, std::uint8_t* at) noexcept {
  const scan::Conversation& way = segment.conversation;
  if (!way.source.is_v4())
    return put(at, Ipv6Header{.payload = Be16(static_cast<std::uint16_t>(total - 40)),
                              .source = way.target.bytes(),
                              .target = way.source.bytes()});
  Ipv4Header header{.total = Be16(static_cast<std::uint16_t>(total)),
                    .source = last_four(way.target),
                    .target = last_four(way.source)};
  put(at, header);
  header.checksum = Be16(checksum_of(sum_of({at, sizeof(header)})));
  return put(at, header);
}

}  // namespace

std::size_t ip_bytes_of(const Segment& segment) noexcept {
  return (segment.conversation.source.is_v4() ? sizeof(Ipv4Header) : sizeof(Ipv6Header)) +
         kTcpHeader + segment.options.size() + segment.payload.size();
}

std::size_t write_frame(const Segment& segment, std::span<const std::uint8_t> link,
                        std::span<std::uint8_t> out) noexcept {
  EDGESENTRY_DCHECK(segment.options.size() % 4 == 0 && segment.options.size() <= 40,
                    "options fill whole words");
  const std::size_t total = ip_bytes_of(segment);
  if (link.size() < 2 * kMac + 2 || out.size() < link.size() + total) return 0;
  std::copy_n(link.begin() + kMac, kMac, out.begin());
  std::copy_n(link.begin(), kMac, out.begin() + kMac);
  std::copy(link.begin() + 2 * kMac, link.end(), out.begin() + 2 * kMac);
  std::uint8_t* const tcp = put_ip(segment, total, out.data() + link.size());

  const scan::Conversation& way = segment.conversation;
  TcpHeader header{
      .source_port = Be16(way.target_port),
      .target_port = Be16(way.source_port),
      .sequence = Be32(segment.sequence),
      .acknowledgement = Be32(segment.acknowledgement),
      .offset = static_cast<std::uint8_t>((kTcpHeader + segment.options.size()) / 4 << 4),
      .flags = segment.flags,
      .window = Be16(segment.window)};
  std::uint8_t* at = put(tcp, header);
  at = std::copy(segment.options.begin(), segment.options.end(), at);
  at = std::copy(segment.payload.begin(), segment.payload.end(), at);
  const auto bytes = static_cast<std::size_t>(at - tcp);
  header.checksum = Be16(
      checksum_of(pseudo_header_sum(way.target, way.source, kTcp, bytes) + sum_of({tcp, bytes})));
  put(tcp, header);
  return link.size() + total;
}

}  // namespace edgesentry::verify
