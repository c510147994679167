#include "scan/cookie.h"

#include <gtest/gtest.h>

namespace edgesentry::scan {
namespace {

constexpr CookieKey kKey{0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull};
const Conversation kTalk{base::Ip::v4(0xc6336401), base::Ip::v4(0xc0000201), 40000, 23};
constexpr base::Micros kNow = base::seconds(1'000'000);

base::Micros later(std::uint64_t micros) {
  return {kNow.value + micros};
}

TEST(Cookie, is_known_again_through_this_epoch_and_the_next) {
  const std::uint32_t number = cookie_of(kKey, kTalk, kNow);
  EXPECT_TRUE(is_cookie(kKey, kTalk, number, kNow));
  EXPECT_TRUE(is_cookie(kKey, kTalk, number, later(kCookieEpoch)));
}

TEST(Cookie, is_forgotten_after_two_epochs) {
  const std::uint32_t number = cookie_of(kKey, kTalk, kNow);
  EXPECT_FALSE(is_cookie(kKey, kTalk, number, later(2 * kCookieEpoch)));
}

TEST(Cookie, belongs_to_one_conversation) {
  const std::uint32_t number = cookie_of(kKey, kTalk, kNow);
  for (const Conversation& other : {Conversation{base::Ip::v4(0xc6336402), kTalk.target, 40000, 23},
                                    Conversation{kTalk.source, base::Ip::v4(0xc0000202), 40000, 23},
                                    Conversation{kTalk.source, kTalk.target, 40001, 23},
                                    Conversation{kTalk.source, kTalk.target, 40000, 24},
                                    Conversation{kTalk.target, kTalk.source, 40000, 23}})
    EXPECT_FALSE(is_cookie(kKey, other, number, kNow));
}

TEST(Cookie, cannot_be_made_without_the_key) {
  EXPECT_NE(cookie_of({kKey.low ^ 1, kKey.high}, kTalk, kNow), cookie_of(kKey, kTalk, kNow));
  EXPECT_NE(cookie_of({kKey.low, kKey.high ^ 1}, kTalk, kNow), cookie_of(kKey, kTalk, kNow));
}

TEST(Cookie, next_number_is_no_cookie) {
  const std::uint32_t number = cookie_of(kKey, kTalk, kNow);
  EXPECT_FALSE(is_cookie(kKey, kTalk, number + 1, kNow));
  EXPECT_FALSE(is_cookie(kKey, kTalk, number - 1, kNow));
}

}  // namespace
}  // namespace edgesentry::scan
