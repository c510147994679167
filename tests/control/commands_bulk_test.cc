#include <gtest/gtest.h>

#include "control/commands.h"
#include "control/rig.h"

namespace edgesentry::control {
namespace {

using nlohmann::json;
using test::attacker;
using test::Rig;

json blocking(json items) {
  return {{"command", "block-many"}, {"items", std::move(items)}};
}

TEST(BulkCommands, block_and_let_in_all_with_an_answer_each) {
  Rig rig;
  const auto reply = rig.ask({{"command", "block-many"},
                              {"items", {"10.0.0.1", {{"address", "10.0.0.2"}, {"for", "1h"}}}},
                              {"for", "10m"},
                              {"reason", "ticket 7"}});
  ASSERT_EQ(reply["ok"], true) << reply;
  EXPECT_EQ(reply["count"], 2);
  EXPECT_EQ(reply["items"][0]["for_seconds"], 600);
  EXPECT_EQ(reply["items"][1]["for_seconds"], 3600);
  EXPECT_EQ(rig.workers[0].drops.size(), 2u);
  const auto lifted = rig.ask({{"command", "unblock-many"}, {"items", {"10.0.0.1", "10.0.0.2"}}});
  EXPECT_EQ(lifted["count"], 2) << lifted;
  EXPECT_TRUE(rig.workers[0].drops.empty());
}

TEST(BulkCommands, change_nothing_when_one_item_will_not_do) {
  Rig rig;
  for (const json& wrong :
       {json("10.0.0.0/24"), json("192.0.2.1"), json("x"), json(7), json(),
        json{{"address", "10.0.0.9"}, {"for", "0s"}}, json{{"address", "10.0.0.9"}, {"fro", "1h"}},
        json::object(), json("10.0.0.1")}) {
    const auto reply = rig.ask(blocking({"10.0.0.1", wrong, "10.0.0.3"}));
    ASSERT_EQ(reply["ok"], false) << wrong;
    ASSERT_EQ(reply["items"].size(), 3u);
    EXPECT_EQ(reply["items"][0]["ok"], true);
    EXPECT_EQ(reply["items"][1]["ok"], false);
    EXPECT_FALSE(reply["items"][1]["error"].get<std::string>().empty());
    EXPECT_TRUE(rig.workers[0].drops.empty()) << wrong;
  }
  rig.ask(blocking({"10.0.0.1"}));
  const auto reply = rig.ask({{"command", "unblock-many"}, {"items", {"10.0.0.1", "10.0.0.2"}}});
  EXPECT_EQ(reply["items"][1]["code"], "not_found");
  EXPECT_EQ(rig.workers[0].drops.size(), 1u);
}

TEST(BulkCommands, only_say_what_they_would_do) {
  Rig rig({.blocks = 4});
  rig.ask(blocking({"10.0.0.1"}));
  auto asked = blocking({"10.0.0.1", "10.0.0.2", "2001:db8:7::9"});
  asked["dry_run"] = true;
  const auto reply = rig.ask(asked);
  ASSERT_EQ(reply["ok"], true) << reply;
  EXPECT_EQ(reply["count"], 3);
  EXPECT_EQ(reply["new"], 2);
  EXPECT_EQ(reply["room"], 3);
  EXPECT_EQ(reply["items"][2]["source"], "2001:db8:7::/64");
  EXPECT_EQ(rig.workers[0].drops.size(), 1u);
  EXPECT_EQ(
      rig.ask({{"command", "unblock-many"}, {"items", {"10.0.0.1"}}, {"dry_run", true}})["ok"],
      true);
  EXPECT_EQ(rig.workers[0].drops.size(), 1u);
  asked["items"].push_back("x");
  EXPECT_EQ(rig.ask(asked)["items"][3]["ok"], false);
  asked["dry_run"] = "yes";
  EXPECT_EQ(rig.ask(asked)["ok"], false);
}

TEST(BulkCommands, block_none_when_there_is_no_room_for_all) {
  Rig rig({.blocks = 4});
  EXPECT_EQ(rig.ask(blocking({"10.0.0.1", "10.0.0.2", "10.0.0.3"}))["ok"], true);
  const auto reply = rig.ask(blocking({"10.0.0.1", "10.0.0.4", "10.0.0.5"}));
  EXPECT_EQ(reply.value("code", ""), "full") << reply;
  EXPECT_EQ(rig.workers[0].drops.size(), 3u);
  EXPECT_EQ(rig.ask(blocking({"10.0.0.1", "10.0.0.4"}))["ok"], true);
}

TEST(BulkCommands, take_a_thousand_and_no_more) {
  Rig rig;
  json items = json::array();
  for (int i = 0; i < 1000; ++i)
    items.push_back("10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1));
  EXPECT_EQ(rig.ask(blocking(items))["count"], 1000);
  items.push_back("10.2.0.1");
  EXPECT_EQ(rig.ask(blocking(items))["ok"], false);
  for (const json& wrong : {json(), json("10.0.0.1"), json::array(), json::object()})
    EXPECT_EQ(rig.ask(blocking(wrong))["ok"], false);
}

}  // namespace
}  // namespace edgesentry::control
