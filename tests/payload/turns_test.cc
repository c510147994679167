// Logins late in a connection: kept alive, behind banners and padding; and what transfers cost.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "payload/watching.h"

namespace edgesentry::payload {
namespace {

constexpr std::string_view kGuess = "GET / HTTP/1.1\r\nAuthorization: Basic x\r\n\r\n";
constexpr std::string_view kRefusal = "HTTP/1.1 401 Unauthorized\r\n\r\n";

TEST_F(Watching, connection_that_is_kept_alive_is_watched_to_its_end) {
  for (int login = 0; login < 200; ++login) {
    EXPECT_EQ(say(Side::client, 80, kGuess), Kinds{}) << login;
    EXPECT_EQ(say(Side::server, 80, kRefusal), Kinds{PayloadKind::login_failed}) << login;
    EXPECT_EQ(say(Side::server, 80, std::string(1400, 'x')), Kinds{});
  }
}

TEST_F(Watching, refusal_behind_a_long_banner_is_seen) {
  for (int line = 0; line < 6; ++line)
    EXPECT_EQ(say(Side::server, 21, "220-" + std::string(1020, 'x')), Kinds{});
  EXPECT_EQ(say(Side::client, 21, "USER a\r\n"), Kinds{});
  EXPECT_EQ(say(Side::server, 21, "331 Password?\r\n"), Kinds{});
  EXPECT_EQ(say(Side::client, 21, "PASS a\r\n"), Kinds{});
  EXPECT_EQ(say(Side::server, 21, "530 Login incorrect.\r\n"), Kinds{PayloadKind::login_failed});
}

TEST_F(Watching, padding_hides_no_password) {
  for (const int padding : {0, 5, 12, 20, 100}) {
    EXPECT_EQ(say(Side::client, 80, "GET / HTTP/1.1\r\n"), Kinds{});
    for (int i = 0; i < padding; ++i)
      EXPECT_EQ(say(Side::client, 80, "X: " + std::string(1019, 'x') + "\r\n"), Kinds{});
    EXPECT_EQ(say(Side::client, 80, "Authorization: Basic x\r\n\r\n"), Kinds{});
    EXPECT_EQ(say(Side::server, 80, kRefusal), Kinds{PayloadKind::login_failed}) << padding;
    EXPECT_EQ(say(Side::server, 80, kRefusal), Kinds{}) << "once";
  }
}

// Nor does a large upload to a page for everybody stand for a login that works.
TEST_F(Watching, upload_that_is_taken_is_no_login) {
  for (int i = 0; i < 100; ++i) say(Side::client, 80, std::string(1024, 'x'));
  EXPECT_EQ(say(Side::server, 80, "HTTP/1.1 200 OK\r\n\r\n"), Kinds{});
  EXPECT_EQ(say(Side::client, 80, "GET / HTTP/1.1\r\n\r\n"), Kinds{});
  EXPECT_EQ(say(Side::server, 80, kRefusal), Kinds{});
}

TEST_F(Watching, download_is_looked_at_where_it_starts) {
  say(Side::client, 80, "GET / HTTP/1.1\r\n\r\n");
  const std::uint64_t before = watch_->counters().bytes.value();
  for (int i = 0; i < 1000; ++i) say(Side::server, 80, std::string(1400, 'x'));
  EXPECT_EQ(watch_->counters().bytes.value() - before, 4096u);
  for (int page = 0; page < 100; ++page) {
    say(Side::client, 80, "GET / HTTP/1.1\r\n\r\n");
    say(Side::server, 80, std::string(1400, 'x'));
  }
  EXPECT_LT(watch_->counters().bytes.value() - before, 4096u + 100 * 40) << "requests only";
}

}  // namespace
}  // namespace edgesentry::payload
