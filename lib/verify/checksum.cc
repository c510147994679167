#include "verify/checksum.h"

#include <array>

#include "wire/load.h"

namespace edgesentry::verify {

namespace {

constexpr std::array<std::uint32_t, 256> crc32c_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0x82f63b78u : 0);
    table[byte] = value;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> kCrc32c = crc32c_table();

}  // namespace

std::uint64_t sum_of(std::span<const std::uint8_t> bytes) noexcept {
  std::uint64_t sum = 0;
  std::size_t at = 0;
  for (; at + 4 <= bytes.size(); at += 4) sum += wire::load32(bytes.data() + at);
  if (at + 2 <= bytes.size()) {
    sum += wire::load16(bytes.data() + at);
    at += 2;
  }
  if (at < bytes.size()) sum += std::uint64_t{bytes[at]} << 8;
  return sum;
}

std::uint16_t checksum_of(std::uint64_t sum) noexcept {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

std::uint64_t pseudo_header_sum(const base::Ip& source, const base::Ip& target,
                                std::uint8_t protocol, std::size_t bytes) noexcept {
  const std::size_t skipped = source.is_v4() ? 12 : 0;
  return sum_of(std::span(source.bytes()).subspan(skipped)) +
         sum_of(std::span(target.bytes()).subspan(skipped)) + protocol + bytes;
}

std::uint32_t crc32c_of(std::span<const std::uint8_t> bytes) noexcept {
  std::uint32_t value = ~0u;
  for (const std::uint8_t byte : bytes) value = value >> 8 ^ kCrc32c[(value ^ byte) & 0xff];
  return ~value;
}

}  // namespace edgesentry::verify
