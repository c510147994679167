#include "payload/credentials.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace edgesentry::payload {

namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;

std::uint64_t mixed(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t taken_in(std::uint64_t hash, Bytes bytes, std::uint64_t key) noexcept {
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min(sizeof word, bytes.size() - at));
    hash = mixed(hash ^ word, key ^ kOdd);
  }
  return mixed(hash ^ bytes.size(), key ^ kOdd);
}

std::uint16_t folded(std::uint64_t hash) noexcept {
  const auto low = static_cast<std::uint16_t>(hash ^ hash >> 16 ^ hash >> 32 ^ hash >> 48);
  return low == kUnknownCredentials ? 1 : low;
}

bool is_named(Bytes line, std::string_view name) noexcept {
  return line.size() >= name.size() &&
         std::equal(name.begin(), name.end(), line.begin(), [](char letter, std::uint8_t byte) {
           return letter == (byte >= 'A' && byte <= 'Z' ? byte + 'a' - 'A' : byte);
         });
}

}  // namespace

std::uint16_t authorization(Bytes bytes, const base::Ip& target,
                            const signature::FlowHashKey& key) noexcept {
  if (is_named(bytes, "post ")) return kUnknownCredentials;
  const auto words = std::bit_cast<std::array<std::uint64_t, 2>>(target.bytes());
  std::uint64_t hash = mixed(words[0] ^ key[0] ^ kOdd, words[1] ^ key[1] ^ kOdd);
  bool is_found = false;
  while (!bytes.empty()) {
    const auto end = std::ranges::find(bytes, '\n');
    const auto length = static_cast<std::size_t>(end - bytes.begin());
    const Bytes line = bytes.first(length);
    bytes = bytes.subspan(std::min(length + 1, bytes.size()));
    if (!is_named(line, "authorization:") && !is_named(line, "proxy-authorization:")) continue;
    if (bytes.empty() || bytes[0] == ' ' || bytes[0] == '\t') return kUnknownCredentials;
    hash = taken_in(hash, line, key[2]);
    is_found = true;
  }
  return is_found ? folded(hash) : kUnknownCredentials;
}

std::uint16_t both(std::uint16_t first, std::uint16_t second) noexcept {
  if (first == kUnknownCredentials || second == kUnknownCredentials) return kUnknownCredentials;
  return folded(mixed(first * kOdd, second + 0xbf58476d1ce4e5b9u));
}

}  // namespace edgesentry::payload
