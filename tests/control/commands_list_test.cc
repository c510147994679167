#include <gtest/gtest.h>

#include "control/commands.h"
#include "control/rig.h"

namespace edgesentry::control {
namespace {

using nlohmann::json;
using test::Rig;

std::size_t count_of(const json& reply, const char* list) {
  EXPECT_EQ(reply["ok"], true) << reply;
  return reply[list].size();
}

TEST(ListCommands, filter_blocks_by_family_network_technique_and_shape) {
  Rig rig;
  for (const char* source : {"10.0.0.1", "10.9.0.1", "2001:db8:1::/64"})
    rig.ask({{"command", "block"}, {"address", source}});
  const auto blocked = [&](const char* member, const char* value) {
    return rig.ask({{"command", "blocked"}, {member, value}});
  };
  EXPECT_EQ(count_of(blocked("family", "ipv4"), "sources"), 2u);
  EXPECT_EQ(count_of(blocked("family", "ipv6"), "sources"), 1u);
  EXPECT_EQ(count_of(blocked("within", "10.9.0.0/16"), "sources"), 1u);
  EXPECT_EQ(count_of(blocked("technique", "tcp_syn"), "sources"), 0u);
  EXPECT_EQ(count_of(blocked("shape", "vertical"), "sources"), 0u);
  EXPECT_EQ(blocked("family", "ipv5")["ok"], false);
  EXPECT_EQ(blocked("technique", "tcp")["ok"], false);
  EXPECT_EQ(blocked("shape", "round")["ok"], false);
}

TEST(ListCommands, show_every_exemption_once_over_pages) {
  Rig rig;
  rig.ask({{"command", "allow"}, {"address", "10.7.0.0/16"}});
  const auto all = rig.ask({{"command", "allowed"}});
  const std::size_t count = count_of(all, "networks");
  ASSERT_GE(count, 2u);
  EXPECT_EQ(all["networks"][0]["network"], "10.7.0.0/16");
  EXPECT_EQ(all["networks"][0]["by"], "command");
  json paged = json::array();
  json request = {{"command", "allowed"}, {"count", 1}};
  for (std::size_t pages = 0; pages <= count; ++pages) {
    const auto page = rig.ask(request);
    for (const json& row : page["networks"]) paged.push_back(row);
    if (!page.contains("next")) break;
    request["cursor"] = page["next"];
  }
  EXPECT_EQ(paged, all["networks"]);
}

TEST(ListCommands, filter_events_by_kind_and_network) {
  Rig rig;
  rig.ask({{"command", "block"}, {"address", "10.0.0.1"}});
  rig.ask({{"command", "block"}, {"address", "10.9.0.1"}});
  rig.ask({{"command", "unblock"}, {"address", "10.9.0.1"}});
  const auto events = [&](json more) {
    more["command"] = "events";
    return rig.ask(more);
  };
  EXPECT_EQ(count_of(events({{"action", "source-blocked"}}), "events"), 2u);
  EXPECT_EQ(count_of(events({{"within", "10.9.0.0/16"}}), "events"), 2u);
  const auto newest = events({{"action", "source-blocked"}, {"count", 1}});
  EXPECT_EQ(newest["events"][0]["source"], "10.9.0.1");
  const auto oldest = events({{"action", "source-blocked"}, {"count", 1}, {"since", 0}});
  EXPECT_EQ(oldest["events"][0]["source"], "10.0.0.1");
  const auto next = events({{"action", "source-blocked"}, {"since", oldest["next"]}});
  EXPECT_EQ(count_of(next, "events"), 1u);
  EXPECT_EQ(events({{"action", "nonsense"}})["ok"], false);
}

TEST(ListCommands, say_what_a_reload_would_do_and_do_not_do_it) {
  Rig rig;
  const auto before = rig.ask({{"command", "status"}});
  const auto reply = rig.ask({{"command", "check"}});
  EXPECT_EQ(reply["ok"], true) << reply;
  for (const char* name : {"good", "problems", "warnings", "would_change", "needs_restart"})
    EXPECT_TRUE(reply.contains(name)) << name;
  EXPECT_EQ(rig.ask({{"command", "status"}})["config"], before["config"]);
}

}  // namespace
}  // namespace edgesentry::control
