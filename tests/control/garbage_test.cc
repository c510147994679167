#include <gtest/gtest.h>

#include <vector>

#include "control/rig.h"

namespace edgesentry::control {
namespace {

using nlohmann::json;
using test::Rig;

std::vector<json> not_a_command() {
  const std::string huge(1'000'000, 'A');
  return {json(),
          7,
          "status",
          json::array({"block"}),
          json::object(),
          {{"command", 7}},
          {{"command", nullptr}},
          {{"command", huge}},
          {{"command", "Status"}},
          {{"command", ""}},
          {{"command", "st\xff"}},
          {{"command", "status"}, {"verbose", true}},
          {{"command", "reload"}, {"now", 1}},
          {{"command", "block"}},
          {{"command", "unblock"}},
          {{"command", "allow"}},
          {{"command", "block"}, {"address", "10.0.0.1"}, {huge, 1}}};
}

std::vector<json> bad_addresses() {
  const std::string huge(1'000'000, '1');
  std::vector<json> requests;
  for (const char* command : {"block", "unblock", "allow", "unallow", "explain"})
    for (const json& address :
         {json(), json(7), json(huge), json(""), json("10.0.0.1; rm -rf /"), json::array(),
          json("10.0.0.0/33"), json("10.0.0"), json("\xff\xfe"), json(" 10.0.0.1")})
      requests.push_back({{"command", command}, {"address", address}});
  requests.push_back({{"command", "unblock"}, {"address", "10.0.0.0/8"}});
  return requests;
}

std::vector<json> bad_members() {
  const std::string huge(1'000'000, 'A');
  std::vector<json> requests;
  for (const json& duration : {json("soon"), json(-5), json(0), json(1e300), json(2.5),
                               json(~std::uint64_t{0}), json("367d"), json(huge), json(nullptr)})
    requests.push_back({{"command", "block"}, {"address", "10.0.0.1"}, {"for", duration}});
  for (const json& reason : {json(huge), json("a\nb"), json(5), json("\x1b[2J")})
    requests.push_back({{"command", "block"}, {"address", "10.0.0.1"}, {"reason", reason}});
  for (const char* command : {"blocked", "top", "events"})
    for (const json& count : {json(-1), json(0), json("x"), json(2.5), json(100'000), json()})
      requests.push_back({{"command", command}, {"count", count}});
  requests.push_back({{"command", "blocked"}, {"cursor", -1}});
  requests.push_back({{"command", "blocked"}, {"cursor", ~std::uint64_t{0}}});
  requests.push_back({{"command", "blocked"}, {"within", 3}});
  requests.push_back({{"command", "events"}, {"since", json::object()}});
  return requests;
}

void expect_sentences(const std::vector<json>& requests) {
  Rig rig;
  for (const json& request : requests) {
    const auto reply = rig.ask(request);
    ASSERT_EQ(reply["ok"], false) << request.dump(-1, ' ', true, json::error_handler_t::replace);
    const auto error = reply["error"].get<std::string>();
    EXPECT_GT(error.size(), 20u);
    EXPECT_LT(error.size(), 500u);
    for (const unsigned char c : error) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << error;
  }
  EXPECT_EQ(rig.workers[0].orders_seen, 0u);
  EXPECT_EQ(rig.numbers.commands_failed.value(), requests.size());
  EXPECT_EQ(rig.policy->current().generation, 1u);
}

TEST(Garbage, that_is_no_command_is_answered_with_a_sentence) {
  expect_sentences(not_a_command());
}

TEST(Garbage, in_place_of_an_address_is_answered_with_a_sentence) {
  expect_sentences(bad_addresses());
}

TEST(Garbage, in_other_members_is_answered_with_a_sentence) {
  expect_sentences(bad_members());
}

TEST(Garbage, of_a_cursor_past_the_end_shows_nothing) {
  Rig rig;
  const auto reply = rig.ask({{"command", "blocked"}, {"cursor", 4'000'000'000u}});
  EXPECT_EQ(reply["ok"], true);
  EXPECT_TRUE(reply["sources"].empty());
  EXPECT_TRUE(rig.ask({{"command", "events"}, {"since", ~std::uint64_t{0}}})["events"].empty());
}

}  // namespace
}  // namespace edgesentry::control
