// Text and family questions of addresses and prefixes; the text forms are those of libc's
// inet_pton and inet_ntop, which are strict: no octal, no short forms, no zone.
#include "base/ip.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/check.h"

namespace edgesentry::base {

namespace {

constexpr std::uint8_t kV4Bits = 32;
constexpr std::uint8_t kV6Bits = 128;
constexpr std::uint8_t kMappedBits = 96;  // ::ffff:0:0/96

std::uint8_t family_bits(const Ip& ip) {
  return ip.is_v4() ? kV4Bits : kV6Bits;
}

// Where the family's own bits begin inside the 128.
unsigned family_offset(const Ip& ip) {
  return ip.is_v4() ? kMappedBits : 0u;
}

Ip clear_host_bits(const Ip& ip, std::uint8_t length) {
  auto bytes = ip.bytes();
  for (unsigned bit = family_offset(ip) + length; bit < kV6Bits; ++bit)
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] & ~(0x80u >> (bit % 8)));
  return Ip::from_bytes(bytes);
}

std::optional<std::uint8_t> parse_length(std::string_view text) {
  // At most three digits and no leading zero: "024" would be read as octal elsewhere.
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text.front() == '0'))
    return std::nullopt;
  unsigned length = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, fault] = std::from_chars(text.data(), end, length);
  if (fault != std::errc{} || stopped != end || length > kV6Bits) return std::nullopt;
  return static_cast<std::uint8_t>(length);
}

}  // namespace

std::optional<Ip> Ip::parse(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (text.size() >= buffer.size() || text.find('\0') != std::string_view::npos)
    return std::nullopt;
  std::copy(text.begin(), text.end(), buffer.begin());

  if (text.find(':') != std::string_view::npos) {
    Ip ip;
    if (inet_pton(AF_INET6, buffer.data(), ip.bytes_.data()) != 1) return std::nullopt;
    return ip;
  }
  in_addr v4{};
  if (inet_pton(AF_INET, buffer.data(), &v4) != 1) return std::nullopt;
  return Ip::v4(ntohl(v4.s_addr));
}

bool Ip::is_multicast() const noexcept {
  return is_v4() ? (v4_value() >> 28) == 0xe : bytes_[0] == 0xff;
}

bool Ip::is_unspecified() const noexcept {
  return *this == Ip{} || *this == Ip::v4(0);
}

bool Ip::is_loopback() const noexcept {
  if (is_v4()) return (v4_value() >> 24) == 127;
  Ip loopback;
  loopback.bytes_[15] = 1;
  return *this == loopback;
}

std::string Ip::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  const char* text = is_v4() ? inet_ntop(AF_INET, bytes_.data() + 12, buffer.data(), buffer.size())
                             : inet_ntop(AF_INET6, bytes_.data(), buffer.data(), buffer.size());
  EDGESENTRY_CHECK(text != nullptr, "the buffer holds the longest address of either family");
  return text;
}

Prefix::Prefix(const Ip& address, std::uint8_t length) : length_(length) {
  EDGESENTRY_CHECK(length <= family_bits(address), "a prefix is not longer than its address");
  address_ = clear_host_bits(address, length);
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = Ip::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return Prefix(*address, family_bits(*address));

  const auto length = parse_length(text.substr(slash + 1));
  if (!length) return std::nullopt;
  // Written as IPv6, an IPv4 block counts all 128 bits: ::ffff:10.0.0.0/104 is 10.0.0.0/8. Below
  // /96 it would reach beyond IPv4, which nobody means.
  const bool is_mapped = address->is_v4() && text.find(':') != std::string_view::npos;
  if (is_mapped && *length < kMappedBits) return std::nullopt;
  const auto own = static_cast<std::uint8_t>(is_mapped ? *length - kMappedBits : *length);
  if (own > family_bits(*address)) return std::nullopt;
  return Prefix(*address, own);
}

bool Prefix::contains(const Ip& ip) const noexcept {
  if (ip.is_v4() != address_.is_v4()) return false;
  return clear_host_bits(ip, length_) == address_;
}

std::string Prefix::to_string() const {
  if (is_host()) return address_.to_string();
  return address_.to_string() + "/" + std::to_string(length_);
}

std::size_t IpHash::operator()(const Ip& ip) const noexcept {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::memcpy(&high, ip.bytes().data(), sizeof high);
  std::memcpy(&low, ip.bytes().data() + sizeof high, sizeof low);
  // splitmix64's finalizer (Steele, Lea, Flood 2014) over both halves.
  std::uint64_t mixed = low + high * 0x9e3779b97f4a7c15;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return static_cast<std::size_t>(mixed ^ (mixed >> 31));
}

}  // namespace edgesentry::base
