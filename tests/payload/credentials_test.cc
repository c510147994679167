// The same offer told from another, and what hides a guess.
#include "payload/credentials.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace edgesentry::payload {
namespace {

const base::Ip kServer = base::Ip::v4(0x0a000001);

std::uint16_t of(std::string_view text, const base::Ip& target = kServer) {
  return authorization({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, target,
                       {1, 2, 3, 4});
}

std::string asking(std::string_view page, std::string_view line) {
  return "GET " + std::string(page) + " HTTP/1.1\r\nHost: w\r\n" + std::string(line) + "\r\n\r\n";
}

TEST(Credentials, same_password_for_another_page_is_the_same) {
  const auto one = of(asking("/", "Authorization: Basic YTpi"));
  EXPECT_NE(one, kUnknownCredentials);
  EXPECT_EQ(of(asking("/style.css", "Authorization: Basic YTpi")), one);
  EXPECT_NE(of(asking("/", "Authorization: Basic YTpj")), one);
  EXPECT_NE(of(asking("/", "Authorization: Basic YTpi"), base::Ip::v4(0x0a000002)), one)
      << "one password tried at many hosts";
  EXPECT_NE(of(asking("/", "proxy-authorization:Basic YTpi")), kUnknownCredentials);
}

TEST(Credentials, every_line_counts) {
  const std::string first = "Authorization: Basic YTpi\r\n";
  EXPECT_NE(of(asking("/", first + "Authorization: Basic YTpj")),
            of(asking("/", first + "Authorization: Basic YTpk")));
  EXPECT_NE(both(1, 2), both(1, 3));
  EXPECT_EQ(both(1, kUnknownCredentials), kUnknownCredentials);
}

TEST(Credentials, what_may_go_on_elsewhere_is_not_known) {
  const std::string head = "GET / HTTP/1.1\r\nAuthorization: Basic ";
  EXPECT_EQ(of(head), kUnknownCredentials);
  EXPECT_EQ(of(head + "YTpi\r\n"), kUnknownCredentials) << "nothing tells that the line is over";
  EXPECT_EQ(of(head + "\r\n YTpi\r\n\r\n"), kUnknownCredentials);
  EXPECT_EQ(of("POST /login HTTP/1.1\r\nAuthorization: Basic YTpi\r\n\r\nname=a&password=b"),
            kUnknownCredentials);
  EXPECT_EQ(of(asking("/", "X-Authorization: Basic YTpi")), kUnknownCredentials);
  EXPECT_EQ(of(""), kUnknownCredentials);
}

}  // namespace
}  // namespace edgesentry::payload
