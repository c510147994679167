#include "scan/cookie.h"

#include <bit>
#include <cstring>

namespace edgesentry::scan {

namespace {

struct SipState {
  std::uint64_t v0, v1, v2, v3;

  void round() noexcept {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void take(std::uint64_t word) noexcept {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
};

std::uint32_t number_of(const CookieKey& key, const Conversation& c, std::uint64_t epoch) noexcept {
  SipState sip{key.low ^ 0x736f6d6570736575ull, key.high ^ 0x646f72616e646f6dull,
               key.low ^ 0x6c7967656e657261ull, key.high ^ 0x7465646279746573ull};
  std::uint64_t words[4];
  std::memcpy(words, c.source.bytes().data(), 16);
  std::memcpy(words + 2, c.target.bytes().data(), 16);
  for (const std::uint64_t word : words) sip.take(word);
  sip.take(epoch);
  sip.take(std::uint64_t{c.source_port} << 16 | c.target_port);
  sip.take(std::uint64_t{48} << 56);  // the length, as SipHash ends
  sip.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) sip.round();
  const std::uint64_t hash = sip.v0 ^ sip.v1 ^ sip.v2 ^ sip.v3;
  return static_cast<std::uint32_t>(hash ^ hash >> 32);
}

}  // namespace

std::uint32_t cookie_of(const CookieKey& key, const Conversation& conversation,
                        base::Micros now) noexcept {
  return number_of(key, conversation, now.value / kCookieEpoch);
}

bool is_cookie(const CookieKey& key, const Conversation& conversation, std::uint32_t number,
               base::Micros now) noexcept {
  const std::uint64_t epoch = now.value / kCookieEpoch;
  return number == number_of(key, conversation, epoch) ||
         (epoch > 0 && number == number_of(key, conversation, epoch - 1));
}

}  // namespace edgesentry::scan
