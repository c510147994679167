#include "enforce/nft_protocol.h"

#include <fmt/format.h>

#include <cstring>

namespace edgesentry::enforce {
namespace {

constexpr std::uint32_t kMagic = 0x314e5345;  // "ESN1", little endian
constexpr std::uint8_t kDone = 1, kMended = 2, kCounted = 4;
constexpr std::size_t kReplyFixedBytes = kNftHeaderBytes + 32;

struct Header {
  std::uint32_t magic = kMagic;
  std::uint16_t version = kNftVersion;
  std::uint8_t ask = 0;
  std::uint8_t flags = 0;  // of a reply
  std::uint32_t sequence = 0;
  std::uint32_t count = 0;  // elements of a request, bytes of a reply's text
};
static_assert(sizeof(Header) == kNftHeaderBytes);

struct WireElement {
  std::array<std::uint8_t, 16> address{};
  std::uint32_t timeout_s = 0;
  std::uint8_t is_blocked = 0;
  std::uint8_t padding[3] = {};
};
static_assert(sizeof(WireElement) == kNftElementBytes);

template <class T>
void put(std::vector<std::byte>& out, const T& value) {
  const std::size_t at = out.size();
  out.resize(at + sizeof value);
  std::memcpy(out.data() + at, &value, sizeof value);
}

template <class T>
T get(std::span<const std::byte> frame, std::size_t at) {
  T value;
  std::memcpy(&value, frame.data() + at, sizeof value);
  return value;
}

base::Result<Header> read_header(std::span<const std::byte> frame) {
  if (frame.size() < sizeof(Header))
    return base::Error{fmt::format("a frame of {} bytes is too short", frame.size())};
  const auto header = get<Header>(frame, 0);
  if (header.magic != kMagic) return base::Error{"a frame does not begin as frames do"};
  if (header.version != kNftVersion)
    return base::Error{fmt::format(
        "a frame is of version {} and this end speaks {}; install edgesentryd and the programs "
        "beside it of one release",
        header.version, kNftVersion)};
  if (header.ask >= kNftAsks)
    return base::Error{fmt::format("a frame asks for {}, which is nothing", header.ask)};
  return header;
}

base::Result<NftElement> read_element(std::span<const std::byte> frame, std::size_t at) {
  const auto wire = get<WireElement>(frame, at);
  if (wire.is_blocked > 1 || wire.padding[0] != 0 || wire.padding[1] != 0 || wire.padding[2] != 0)
    return base::Error{fmt::format("the element at byte {} is malformed", at)};
  return NftElement{base::Ip::from_bytes(wire.address), wire.is_blocked == 1, wire.timeout_s};
}

}  // namespace

std::vector<std::byte> encode(const NftRequest& request) {
  EDGESENTRY_CHECK(request.elements.size() <= kNftElementsMax, "callers cut what they send");
  std::vector<std::byte> frame;
  frame.reserve(kNftHeaderBytes + request.elements.size() * kNftElementBytes);
  put(frame, Header{.ask = static_cast<std::uint8_t>(request.ask),
                    .sequence = request.sequence,
                    .count = static_cast<std::uint32_t>(request.elements.size())});
  for (const NftElement& element : request.elements)
    put(frame, WireElement{.address = element.source.bytes(),
                           .timeout_s = element.timeout_s,
                           .is_blocked = static_cast<std::uint8_t>(element.is_blocked)});
  return frame;
}

std::vector<std::byte> encode(const NftReply& reply) {
  const std::string_view text = std::string_view(reply.text).substr(0, kNftTextMax);
  const int flags = (reply.is_done ? kDone : 0) | (reply.is_mended ? kMended : 0) |
                    (reply.has_counts ? kCounted : 0);
  std::vector<std::byte> frame;
  put(frame, Header{.ask = static_cast<std::uint8_t>(reply.ask),
                    .flags = static_cast<std::uint8_t>(flags),
                    .sequence = reply.sequence,
                    .count = static_cast<std::uint32_t>(text.size())});
  put(frame, reply.fewest);
  put(frame, reply.most);
  put(frame, reply.missing);
  put(frame, reply.drops);
  for (const char c : text) frame.push_back(static_cast<std::byte>(c));
  return frame;
}

base::Result<NftRequest> decode_nft_request(std::span<const std::byte> frame) {
  const auto header = read_header(frame);
  if (!header) return header.error();
  const std::size_t count = header.value().count;
  const auto ask = static_cast<NftAsk>(header.value().ask);
  const bool may_have_some = ask == NftAsk::batch || ask == NftAsk::check;
  if (count > (may_have_some ? kNftElementsMax : 0) || header.value().flags != 0 ||
      frame.size() != kNftHeaderBytes + count * kNftElementBytes)
    return base::Error{
        fmt::format("a request of {} bytes and {} elements is malformed", frame.size(), count)};
  NftRequest request{.ask = ask, .sequence = header.value().sequence, .elements = {}};
  request.elements.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto element = read_element(frame, kNftHeaderBytes + i * kNftElementBytes);
    if (!element) return element.error();
    request.elements.push_back(element.value());
  }
  return request;
}

base::Result<NftReply> decode_nft_reply(std::span<const std::byte> frame) {
  const auto header = read_header(frame);
  if (!header) return header.error();
  const std::size_t length = header.value().count;
  const int flags = header.value().flags;
  if (length > kNftTextMax || flags > (kDone | kMended | kCounted) ||
      frame.size() != kReplyFixedBytes + length)
    return base::Error{
        fmt::format("a reply of {} bytes with {} of text is malformed", frame.size(), length)};
  NftReply reply{.ask = static_cast<NftAsk>(header.value().ask),
                 .sequence = header.value().sequence,
                 .is_done = (flags & kDone) != 0,
                 .is_mended = (flags & kMended) != 0,
                 .has_counts = (flags & kCounted) != 0,
                 .fewest = get<std::uint64_t>(frame, kNftHeaderBytes),
                 .most = get<std::uint64_t>(frame, kNftHeaderBytes + 8),
                 .missing = get<std::uint64_t>(frame, kNftHeaderBytes + 16),
                 .drops = get<std::uint64_t>(frame, kNftHeaderBytes + 24),
                 .text = {}};
  for (const std::byte b : frame.subspan(kReplyFixedBytes)) {
    const char c = static_cast<char>(b);
    reply.text += c >= ' ' && c <= '~' ? c : ' ';  // it goes to logs
  }
  return reply;
}

}  // namespace edgesentry::enforce
