// The options of a TCP SYN in 32 bits: their order, and what sets stacks apart in their values.
// Tools that send SYNs without a kernel are known by it.
//
// Bits 0-23: the kinds of the first eight options, three bits each, the first lowest. Bits 24-26:
// the maximum segment size; 27-28: the timestamp; 29-31: the window scale. 0: no options at all.
// A list that is broken, or longer than eight, ends in `other` and so equals no known layout.
//
// Sources: RFC 9293 section 3.1 (NOP, end, MSS), RFC 7323 (window scale, timestamps), RFC 2018.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace edgesentry::wire {

namespace tcp_option {
inline constexpr std::uint32_t kNop = 1, kMss = 2, kWindowScale = 3, kSackPermitted = 4,
                               kTimestamps = 5, kOther = 6, kEnd = 7;
inline constexpr std::uint32_t kOrder = 0x00ffffff;  // the bits of the kinds
inline constexpr std::uint32_t kMss1460 = 1u << 24, kMss1440 = 2u << 24, kMss536 = 3u << 24,
                               kMssOther = 7u << 24, kMssBits = 7u << 24;
inline constexpr std::uint32_t kStampAny = 1u << 27, kStampOnes = 2u << 27, kStampBits = 3u << 27;
inline constexpr std::uint32_t kScale8 = 1u << 29, kScale7 = 2u << 29, kScale6 = 3u << 29,
                               kScaleOther = 7u << 29;

constexpr std::uint32_t order(std::initializer_list<std::uint32_t> kinds) noexcept {
  std::uint32_t layout = 0, shift = 0;
  for (const std::uint32_t kind : kinds) {
    layout |= kind << shift;
    shift += 3;
  }
  return layout;
}
}  // namespace tcp_option

struct TcpOptions {
  std::uint8_t traits = 0;  // trait:: bits
  std::uint32_t layout = 0;
};

// At most 40 bytes, so at most 40 rounds.
[[nodiscard]] TcpOptions tcp_options(const std::uint8_t* at, std::size_t bytes) noexcept;

}  // namespace edgesentry::wire
