// Both ends run on one machine: numbers are in its own byte order.
#include "report/command_frame.h"

#include <algorithm>
#include <cstring>

namespace edgesentry::report {
namespace {

constexpr std::uint32_t kAsk = 0x31515345, kSay = 0x31525345;  // "ESQ1", "ESR1"

// Request: mark 4, id 8, address 16, length 1, zero 1, port 2.
constexpr std::size_t kIdAt = 4, kAddressAt = 12, kLengthAt = 28, kZeroAt = 29, kPortAt = 30;
static_assert(kPortAt + sizeof(std::uint16_t) == kCommandRequestBytes);
// Reply: mark 4, id 8, news 1, zero 1, size of the text 2, text.
constexpr std::size_t kNewsAt = 12, kReplyZeroAt = 13, kSizeAt = 14, kTextAt = 16;

template <class Number>
void put(std::byte* at, Number number) {
  std::memcpy(at, &number, sizeof number);
}
template <class Number>
Number get(const std::byte* at) {
  Number number;
  std::memcpy(&number, at, sizeof number);
  return number;
}

}  // namespace

std::array<std::byte, kCommandRequestBytes> encode(const CommandRequest& request) {
  std::array<std::byte, kCommandRequestBytes> frame{};
  put(frame.data(), kAsk);
  put(frame.data() + kIdAt, request.id);
  put(frame.data() + kAddressAt, request.values.target.address().bytes());
  put(frame.data() + kLengthAt, request.values.target.length());
  put(frame.data() + kPortAt, request.values.port);
  return frame;
}

std::optional<CommandRequest> decode_request(std::span<const std::byte> frame) {
  if (frame.size() != kCommandRequestBytes || get<std::uint32_t>(frame.data()) != kAsk ||
      frame[kZeroAt] != std::byte{0})
    return std::nullopt;
  const auto address =
      base::Ip::from_bytes(get<std::array<std::uint8_t, 16>>(frame.data() + kAddressAt));
  const auto length = get<std::uint8_t>(frame.data() + kLengthAt);
  if (length > (address.is_v4() ? 32 : 128)) return std::nullopt;
  // A default route is nobody's address: a rule made of it would shut everybody out.
  if (length == 0 || address.is_unspecified()) return std::nullopt;
  const base::Prefix target(address, length);
  if (target.address() != address) return std::nullopt;  // bits behind the prefix
  return CommandRequest{.id = get<std::uint64_t>(frame.data() + kIdAt),
                        .values = {target, get<std::uint16_t>(frame.data() + kPortAt)}};
}

std::vector<std::byte> encode(const CommandReply& reply) {
  const std::size_t size = std::min(reply.text.size(), kCommandTextMax);
  std::vector<std::byte> frame(kTextAt + size);
  put(frame.data(), kSay);
  put(frame.data() + kIdAt, reply.id);
  put(frame.data() + kNewsAt, static_cast<std::uint8_t>(reply.news));
  put(frame.data() + kSizeAt, static_cast<std::uint16_t>(size));
  std::memcpy(frame.data() + kTextAt, reply.text.data(), size);
  return frame;
}

std::optional<CommandReply> decode_reply(std::span<const std::byte> frame) {
  if (frame.size() < kTextAt || frame.size() > kCommandReplyMax ||
      get<std::uint32_t>(frame.data()) != kSay || frame[kReplyZeroAt] != std::byte{0})
    return std::nullopt;
  const auto news = get<std::uint8_t>(frame.data() + kNewsAt);
  const auto size = get<std::uint16_t>(frame.data() + kSizeAt);
  if (news > kCommandNewsLast || size != frame.size() - kTextAt) return std::nullopt;
  CommandReply reply{.id = get<std::uint64_t>(frame.data() + kIdAt),
                     .news = static_cast<CommandNews>(news),
                     .text = {}};
  reply.text.assign(reinterpret_cast<const char*>(frame.data() + kTextAt), size);
  return reply;
}

}  // namespace edgesentry::report
