// An IPv4 or IPv6 address, and a prefix of either: parse, print, compare. Pure values.
//
// Held as 16 bytes in network order; IPv4 stands inside IPv6 as ::ffff:a.b.c.d (RFC 4291 section
// 2.5.5.2), so "10.0.0.1" and "::ffff:10.0.0.1" are one address, never two.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace edgesentry::base {

static_assert(std::endian::native == std::endian::little, "addresses are compared as words");

class Ip {
 public:
  constexpr Ip() = default;  // the unspecified address ::
  static constexpr Ip v4(std::uint32_t host_order) noexcept {
    Ip ip;
    ip.bytes_[10] = ip.bytes_[11] = 0xff;
    for (int i = 0; i < 4; ++i)
      ip.bytes_[12 + i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
    return ip;
  }
  static constexpr Ip from_bytes(const std::array<std::uint8_t, 16>& network_order) noexcept {
    Ip ip;
    ip.bytes_ = network_order;
    return ip;
  }
  // Strict: dotted quad of four decimal octets, or RFC 4291 text in either case. No names, no
  // blanks, no zone. nullopt otherwise.
  static std::optional<Ip> parse(std::string_view text);

  [[nodiscard]] constexpr bool is_v4() const noexcept {
    // As words, for workers ask it per packet: bytes 8 to 11 are 0, 0, ff, ff.
    const auto words = std::bit_cast<std::array<std::uint64_t, 2>>(bytes_);
    return words[0] == 0 && static_cast<std::uint32_t>(words[1]) == 0xffff0000u;
  }
  // Host order; only meaningful when is_v4().
  [[nodiscard]] constexpr std::uint32_t v4_value() const noexcept {
    const auto words = std::bit_cast<std::array<std::uint64_t, 2>>(bytes_);
    return __builtin_bswap32(static_cast<std::uint32_t>(words[1] >> 32));
  }
  [[nodiscard]] constexpr const std::array<std::uint8_t, 16>& bytes() const noexcept {
    return bytes_;
  }
  [[nodiscard]] bool is_multicast() const noexcept;    // 224/4, ff00::/8
  [[nodiscard]] bool is_unspecified() const noexcept;  // 0.0.0.0 or ::
  [[nodiscard]] bool is_loopback() const noexcept;     // 127/8, ::1
  [[nodiscard]] std::string to_string() const;         // RFC 5952 form for IPv6

  friend constexpr auto operator<=>(const Ip&, const Ip&) = default;
  friend constexpr bool operator==(const Ip& a, const Ip& b) noexcept {
    // As two words: the defaulted one calls memcmp, which alone cost a fifth of a packet.
    using Words = std::array<std::uint64_t, 2>;
    const auto x = std::bit_cast<Words>(a.bytes_), y = std::bit_cast<Words>(b.bytes_);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
  }

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

// A CIDR block. `length` counts within the family: 0-32 for IPv4, 0-128 for IPv6.
// Host bits are cleared when it is made ("10.9.0.77/24" is 10.9.0.0/24).
class Prefix {
 public:
  constexpr Prefix() = default;
  Prefix(const Ip& address, std::uint8_t length);  // length is checked against the family
  // "address" or "address/length"; nullopt when either part is wrong.
  static std::optional<Prefix> parse(std::string_view text);

  [[nodiscard]] const Ip& address() const noexcept { return address_; }
  [[nodiscard]] std::uint8_t length() const noexcept { return length_; }
  [[nodiscard]] bool is_host() const noexcept { return length_ == (address_.is_v4() ? 32 : 128); }
  [[nodiscard]] bool contains(const Ip& ip) const noexcept;
  [[nodiscard]] std::string to_string() const;  // "10.9.0.0/24"; a host without its length
  friend auto operator<=>(const Prefix&, const Prefix&) = default;

 private:
  Ip address_;
  std::uint8_t length_ = 0;
};

struct IpHash {  // for maps on the control side, where sources are already filtered
  [[nodiscard]] std::size_t operator()(const Ip& ip) const noexcept;
};

}  // namespace edgesentry::base
