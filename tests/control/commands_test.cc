#include "control/commands.h"

#include <gtest/gtest.h>

#include "control/rig.h"

namespace edgesentry::control {
namespace {

using nlohmann::json;
using report::Action;
using std::chrono_literals::operator""s;
using test::attacker;
using test::Rig;

bool says(const json& reply, const char* words) {
  return reply.value("error", "").find(words) != std::string::npos;
}
json on(const char* command, const char* address) {
  return {{"command", command}, {"address", address}};
}

TEST(Commands, blocks_for_the_time_given_and_lets_in_again) {
  Rig rig;
  const auto reply = rig.ask(
      {{"command", "block"}, {"address", "10.0.0.1"}, {"for", "10m"}, {"reason", "ticket 7"}});
  EXPECT_EQ(reply["ok"], true) << reply;
  EXPECT_EQ(reply["for_seconds"], 600);
  EXPECT_EQ(reply["text"], "an operator blocked 10.0.0.1 for 10 minutes: ticket 7");
  for (const auto& worker : rig.workers) EXPECT_TRUE(worker.drops.contains(attacker(1)));
  rig.clock.advance(600s);
  rig.settle();
  for (const auto& worker : rig.workers) EXPECT_TRUE(worker.drops.empty());
  EXPECT_EQ(rig.sink.count(Action::block_expired), 1u);
}

TEST(Commands, takes_seconds_and_the_ladder_when_no_time_is_given) {
  Rig rig;
  EXPECT_EQ(rig.ask({{"command", "block"}, {"address", "10.0.0.1"}, {"for", 90}})["for_seconds"],
            90);
  EXPECT_EQ(rig.ask(on("block", "10.0.0.2"))["for_seconds"], 600);
}

TEST(Commands, blocks_an_ipv6_source_as_its_prefix_only) {
  Rig rig;
  EXPECT_EQ(rig.ask(on("block", "2001:db8::/64"))["source"], "2001:db8::/64");
  EXPECT_EQ(rig.ask(on("block", "2001:db8:0:1::9"))["source"], "2001:db8:0:1::/64");
  EXPECT_TRUE(says(rig.ask(on("block", "2001:db8::/48")), "/64"));
  EXPECT_TRUE(says(rig.ask(on("block", "10.0.0.0/24")), "single IPv4"));
  EXPECT_TRUE(says(rig.ask(on("block", "10.0.0.0/24")), "a rule of the router in front"));
}

TEST(Commands, refuses_to_block_who_must_not_be_and_says_why) {
  Rig rig;
  EXPECT_TRUE(says(rig.ask(on("block", "192.0.2.1")), "router of this machine"));
  EXPECT_TRUE(says(rig.ask(on("block", "192.0.2.1")), "allow.gateways = false in edgesentry.toml"));
  EXPECT_TRUE(says(rig.ask(on("block", "198.51.100.9")), "allow list"));
  EXPECT_TRUE(says(rig.ask(on("block", "198.51.100.9")), "out of allow.networks in edgesentry"));
  EXPECT_TRUE(rig.ask(on("allow", "10.1.0.0/16"))["ok"]);
  EXPECT_TRUE(says(rig.ask(on("block", "10.1.2.3")), "'edgesentry unallow 10.1.0.0/16'"));
  Rig observing({.mode = config::Mode::observe});
  EXPECT_TRUE(says(observing.ask(on("block", "10.0.0.1")), "observe"));
  EXPECT_EQ(rig.workers[0].orders_seen + observing.workers[0].orders_seen, 0u);
}

TEST(Commands, knows_no_remedy_that_cannot_work_for_an_address_of_nobody) {
  Rig rig;
  const auto reply = rig.ask(on("block", "127.0.0.1"));
  EXPECT_TRUE(says(reply, "special address"));
  EXPECT_TRUE(says(reply, "no setting changes that"));
  EXPECT_FALSE(says(reply, "off that list"));
}

TEST(Commands, give_the_same_times_at_every_call_until_the_wall_clock_is_set) {
  Rig rig;
  ASSERT_TRUE(rig.ask(on("block", "10.0.0.1"))["ok"]);
  const auto row = [&] { return rig.ask({{"command", "blocked"}})["sources"][0]; };
  const auto first = row();
  rig.clock.advance(std::chrono::seconds(7));
  rig.clock.set_wall(std::chrono::microseconds(13));  // the two readings are never quite together
  EXPECT_EQ(row()["since"], first["since"]);
  EXPECT_EQ(row()["until"], first["until"]);
  rig.clock.set_wall(std::chrono::hours(1));
  EXPECT_NE(row()["until"], first["until"]);
}

TEST(Commands, refuses_a_block_when_the_table_is_full) {
  Rig rig({.blocks = 1});
  EXPECT_EQ(rig.ask(on("block", "10.0.0.1"))["ok"], true);
  EXPECT_TRUE(says(rig.ask(on("block", "10.0.0.2")), "table.blocks"));
  EXPECT_EQ(rig.ask(on("block", "10.0.0.1"))["renewed"], true);
  EXPECT_EQ(rig.numbers.blocks_added.value(), 1u);
}

TEST(Commands, unblocks_only_what_is_blocked) {
  Rig rig;
  EXPECT_TRUE(says(rig.ask(on("unblock", "10.0.0.1")), "is not blocked"));
  ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(1))));
  rig.settle();
  EXPECT_EQ(rig.ask(on("unblock", "10.0.0.1"))["ok"], true);
  EXPECT_TRUE(rig.workers[0].drops.empty());
  EXPECT_EQ(rig.sink.count(Action::source_unblocked), 1u);
  EXPECT_EQ(rig.numbers.blocks_lifted.value(), 1u);
}

TEST(Commands, unblock_takes_the_offence_back) {
  Rig rig;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(1))));
    rig.settle();
    EXPECT_EQ(rig.ask(on("explain", "10.0.0.1"))["offences"], 1);
    const auto reply = rig.ask(on("unblock", "10.0.0.1"));
    EXPECT_NE(reply["text"].dump().find("its offence 1 no longer counts"), std::string::npos);
    rig.clock.advance(1s);
  }
  const auto after = rig.ask(on("explain", "10.0.0.1"));
  EXPECT_EQ(after["offences"], 0);
  EXPECT_NE(after["story"].dump().find("offence 1, for 10 minutes"), std::string::npos) << after;
}

TEST(Commands, block_is_no_offence_and_climbs_no_ladder) {
  Rig rig;
  for (int i = 0; i < 3; ++i) {
    const auto reply = rig.ask(on("block", "10.0.0.1"));
    EXPECT_EQ(reply["for_seconds"], 600);
    EXPECT_EQ(reply["offence"], 0);
    EXPECT_EQ(rig.ask(on("unblock", "10.0.0.1"))["text"], "an operator let 10.0.0.1 in again");
  }
}

TEST(Commands, allow_lifts_and_reaches_the_packet_path) {
  Rig rig;
  for (std::uint32_t n = 1; n < 10; ++n) ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(n))));
  rig.settle();
  const auto reply = rig.ask(on("allow", "10.0.0.0/30"));
  EXPECT_EQ(reply["changed"], true) << reply;
  EXPECT_EQ(reply["lifted"], 3) << reply;
  EXPECT_NE(reply["text"].get<std::string>().find("3 blocks end with it"), std::string::npos);
  EXPECT_FALSE(rig.workers[1].drops.contains(attacker(3)));
  EXPECT_TRUE(rig.workers[1].drops.contains(attacker(4)));
  EXPECT_TRUE(rig.policy->current().allow.contains(attacker(3)));
  EXPECT_EQ(rig.policy->current().generation, 2u);
  ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(3))));
  rig.settle();
  EXPECT_FALSE(rig.workers[0].drops.contains(attacker(3)));
  EXPECT_EQ(rig.ask(on("allow", "10.0.0.0/30"))["changed"], false);
  EXPECT_EQ(rig.ask(on("unallow", "10.0.0.0/30"))["ok"], true);
  EXPECT_FALSE(rig.policy->current().allow.contains(attacker(3)));
}

TEST(Commands, unallow_names_where_an_entry_really_stands) {
  Rig rig;
  EXPECT_TRUE(says(rig.ask(on("unallow", "198.51.100.0/24")), "of the configuration"));
  EXPECT_TRUE(says(rig.ask(on("unallow", "10.9.9.9")), "not on the allow list"));
}

TEST(Commands, explains_which_tool_and_by_what_it_was_known) {
  Rig rig;
  scan::Alert alert = rig.dropping_alert(attacker(1));
  alert.tool = {scan::Tool::nmap, scan::Confidence::high, scan::Mark::nmap_one_sequence};
  ASSERT_TRUE(rig.send(0, alert));
  ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(2))));
  rig.settle();
  const auto reply = rig.ask(on("explain", "10.0.0.1"));
  EXPECT_EQ(reply["tool"], "nmap");
  EXPECT_EQ(reply["evidence"]["tool_confidence"], "high");
  const std::string story = reply["story"].dump();
  EXPECT_NE(story.find("taken for nmap, with high confidence: one sequence number"),
            std::string::npos)
      << story;
  const auto other = rig.ask(on("explain", "10.0.0.2"));
  EXPECT_EQ(other["tool"], "none");
  EXPECT_NE(other["story"].dump().find("No mark of a known tool"), std::string::npos);
}

TEST(Commands, explains_a_source_in_words_and_numbers) {
  Rig rig;
  EXPECT_EQ(rig.ask(on("explain", "10.0.0.1"))["standing"], "unknown");
  ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(1))));
  rig.settle();
  const auto reply = rig.ask(on("explain", "10.0.0.1"));
  EXPECT_EQ(reply["standing"], "blocked");
  EXPECT_EQ(reply["seconds_left"], 600);
  EXPECT_EQ(reply["evidence"]["tipped_by"], "many_ports");
  EXPECT_EQ(reply["evidence"]["first_ports"].size(), 15u);
  EXPECT_EQ(reply["evidence"]["first_targets"][0], "203.0.113.9");
  const std::string story = reply["story"].dump();
  EXPECT_NE(story.find("it tried too many ports"), std::string::npos) << story;
  EXPECT_NE(story.find("10 minutes left"), std::string::npos) << story;
  rig.clock.advance(600s);
  rig.settle();
  const auto after = rig.ask(on("explain", "10.0.0.1"));
  EXPECT_EQ(after["standing"], "remembered");
  EXPECT_NE(after["story"].dump().find("offence 2, for 1 hour"), std::string::npos) << after;
  EXPECT_TRUE(rig.ask(on("explain", "192.0.2.1")).contains("exempt"));
}

TEST(Commands, pages_through_who_is_blocked) {
  Rig rig;
  for (std::uint32_t n = 0; n < 250; ++n) ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(n))));
  rig.settle();
  std::set<std::string> seen;
  json request = {{"command", "blocked"}, {"count", 100}};
  for (int pages = 0; pages < 10; ++pages) {
    const auto reply = rig.ask(request);
    ASSERT_EQ(reply["ok"], true) << reply;
    EXPECT_LE(reply["sources"].size(), 100u);
    for (const auto& row : reply["sources"]) EXPECT_TRUE(seen.insert(row["source"]).second);
    if (!reply.contains("next")) break;
    request["cursor"] = reply["next"];
  }
  EXPECT_EQ(seen.size(), 250u);
  const auto some = rig.ask({{"command", "blocked"}, {"within", "10.0.0.16/28"}});
  EXPECT_EQ(some["sources"].size(), 16u);
}

TEST(Commands, shows_the_busiest_sources_first) {
  Rig rig;
  for (std::uint32_t n = 1; n <= 300; ++n) {
    auto alert = rig.dropping_alert(attacker(n));
    alert.probes = n;
    ASSERT_TRUE(rig.send(0, alert));
  }
  rig.settle();
  const auto reply = rig.ask({{"command", "top"}, {"count", 3}});
  ASSERT_EQ(reply["sources"].size(), 3u);
  EXPECT_EQ(reply["sources"][0]["probes"], 300);
  EXPECT_EQ(reply["sources"][2]["probes"], 298);
}

TEST(Commands, shows_events_and_goes_on_where_the_reader_stopped) {
  Rig rig;
  for (std::uint32_t n = 0; n < 30; ++n) ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(n))));
  rig.settle();
  const auto last = rig.ask({{"command", "events"}});
  ASSERT_EQ(last["events"].size(), 20u);
  EXPECT_EQ(last["events"][19]["action"], "source-blocked");
  EXPECT_TRUE(rig.ask({{"command", "events"}, {"since", last["next"]}})["events"].empty());
  ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(99))));
  rig.settle();
  EXPECT_EQ(rig.ask({{"command", "events"}, {"since", last["next"]}})["events"].size(), 2u);
  EXPECT_EQ(rig.ask({{"command", "events"}, {"since", 0}, {"count", 5}})["events"][0]["number"], 0);
}

TEST(Commands, gives_a_status_whose_blocks_add_up) {
  Rig rig;
  for (std::uint32_t n = 0; n < 5; ++n) ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(n))));
  rig.settle();
  rig.ask(on("unblock", "10.0.0.1"));
  rig.clock.advance(100s);
  const auto status = rig.ask({{"command", "status"}});
  EXPECT_EQ(status["mode"], "enforce");
  EXPECT_EQ(status["uptime_seconds"], 100);
  const auto& blocks = status["blocks"];
  EXPECT_EQ(blocks["active"], 4);
  EXPECT_EQ(blocks["active"].get<int>(), blocks["added"].get<int>() - blocks["expired"].get<int>() -
                                             blocks["lifted"].get<int>());
  EXPECT_EQ(status["enforcers"][0]["pending"], 0);
}

TEST(Commands, lists_every_command_with_help) {
  Rig rig;
  const auto help = rig.ask({{"command", "help"}});
  EXPECT_EQ(help["commands"].size(), command_table().size());
  for (const auto& row : help["commands"]) EXPECT_FALSE(row["help"].get<std::string>().empty());
}

TEST(Commands, lets_every_packet_pass_while_the_bypass_is_on) {
  Rig rig;
  ASSERT_TRUE(rig.ask({{"command", "block"}, {"address", "10.0.0.1"}})["ok"]);
  EXPECT_TRUE(rig.policy->current().enforce);
  const auto on = rig.ask({{"command", "bypass"}, {"state", "on"}});
  EXPECT_EQ(on["bypass"], true) << on;
  EXPECT_FALSE(rig.policy->current().enforce);
  EXPECT_EQ(rig.ask({{"command", "status"}})["bypass"], true);
  EXPECT_EQ(rig.numbers.is_bypassed.value(), 1u);
  // What is decided meanwhile holds afterwards, and nothing is lifted.
  ASSERT_TRUE(rig.send(0, test::alert_of(test::attacker(9), rig.clock.monotonic())));
  rig.settle();
  EXPECT_EQ(rig.numbers.blocks_active.value(), 2u);
  EXPECT_EQ(rig.sink.last(report::Action::source_blocked)->enforcement, report::Enforcement::none);
  // Whatever else publishes a policy leaves it on.
  ASSERT_TRUE(rig.ask({{"command", "allow"}, {"address", "10.9.9.0/24"}})["ok"]);
  EXPECT_FALSE(rig.policy->current().enforce);
  EXPECT_EQ(rig.ask({{"command", "bypass"}, {"state", "on"}})["changed"], false);
  const auto off = rig.ask({{"command", "bypass"}, {"state", "off"}});
  EXPECT_EQ(off["bypass"], false) << off;
  EXPECT_TRUE(rig.policy->current().enforce);
  for (const auto& worker : rig.workers) EXPECT_EQ(worker.drops.size(), 2u);
  EXPECT_FALSE(rig.ask({{"command", "bypass"}, {"state", "maybe"}})["ok"]);
  EXPECT_FALSE(rig.ask({{"command", "bypass"}})["ok"]);
}

}  // namespace
}  // namespace edgesentry::control
