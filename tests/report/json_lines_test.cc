#include "report/json_lines.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "samples.h"

namespace edgesentry::report {
namespace {

nlohmann::json parsed(const Event& event) {
  return nlohmann::json::parse(to_json_line(event));
}

TEST(JsonLines, put_the_evidence_of_a_block_under_the_names_of_ecs) {
  const nlohmann::json line = parsed(sample_event());
  EXPECT_EQ(line["@timestamp"], "2026-11-22T06:54:30.239000Z");
  EXPECT_EQ(line["event"]["kind"], "alert");
  EXPECT_EQ(line["event"]["action"], "source-blocked");
  EXPECT_EQ(line["event"]["type"], nlohmann::json::array({"denied"}));
  EXPECT_EQ(line["event"]["severity"], 47);
  EXPECT_EQ(line["edgesentry"]["confidence"], 95);
  EXPECT_EQ(line["event"]["start"], "2026-11-22T06:54:29.989000Z");
  EXPECT_EQ(line["event"]["end"], "2026-11-22T06:54:30.239000Z");
  EXPECT_EQ(line["source"]["ip"], "10.9.0.2");
  EXPECT_EQ(line["destination"]["ip"], "192.0.2.10");
  EXPECT_EQ(line["destination"]["port"], 11);
  EXPECT_EQ(line["network"]["transport"], "tcp");
  EXPECT_EQ(line["network"]["type"], "ipv4");
  EXPECT_EQ(line["threat"]["technique"]["id"], nlohmann::json::array({"T1046"}));
  EXPECT_EQ(line["edgesentry"]["technique"], "tcp_syn");
  EXPECT_EQ(line["edgesentry"]["shape"], "trap");
  EXPECT_EQ(line["edgesentry"]["reason"], "watched_port");
  EXPECT_EQ(line["edgesentry"]["ports"], nlohmann::json::array({22, 11}));
  EXPECT_EQ(line["edgesentry"]["targets"], nlohmann::json::array({"192.0.2.10"}));
  EXPECT_EQ(line["edgesentry"]["block_seconds"], 600);
  EXPECT_EQ(line["edgesentry"]["worker"], 3);
}

TEST(JsonLines, name_the_tool_with_its_evidence_or_none) {
  Event event = sample_event();
  EXPECT_EQ(parsed(event)["edgesentry"]["tool"], "none");
  EXPECT_FALSE(parsed(event)["edgesentry"].contains("tool_confidence"));
  EXPECT_FALSE(parsed(event)["edgesentry"].contains("tool_evidence"));
  event.alert->tool = {scan::Tool::masscan, scan::Confidence::high, scan::Mark::masscan_cookie};
  const nlohmann::json own = parsed(event)["edgesentry"];
  EXPECT_EQ(own["tool"], "masscan");
  EXPECT_EQ(own["tool_confidence"], "high");
  EXPECT_EQ(own["tool_evidence"], scan::words_for(scan::Mark::masscan_cookie));
}

TEST(JsonLines, name_every_action_as_documented) {
  const std::array<std::string_view, 8> names = {
      "scan-detected", "scan-grew",        "source-blocked", "source-would-be-blocked",
      "block-expired", "source-unblocked", "port-touched",   "appliance"};
  for (std::size_t i = 0; i < names.size(); ++i)
    EXPECT_EQ(parsed(sample_event(static_cast<Action>(i)))["event"]["action"], names[i]);
}

TEST(JsonLines, tell_when_the_appliance_starts_and_stops) {
  Event event;
  event.life = Life::start;
  EXPECT_EQ(parsed(event)["event"]["action"], "service-start");
  EXPECT_EQ(parsed(event)["event"]["type"], nlohmann::json::array({"start"}));
  event.life = Life::stop;
  EXPECT_EQ(parsed(event)["event"]["action"], "service-stop");
  EXPECT_EQ(parsed(event)["event"]["type"], nlohmann::json::array({"end"}));
}

TEST(JsonLines, never_claim_that_packets_are_dropped_where_none_are) {
  Event event = sample_event(Action::source_blocked);
  EXPECT_EQ(parsed(event)["edgesentry"]["enforcement"], "packets");
  EXPECT_EQ(parsed(event)["event"]["type"], nlohmann::json::array({"denied"}));
  for (const auto& [kind, name] :
       {std::pair{Enforcement::command, "command"}, std::pair{Enforcement::none, "none"}}) {
    event.enforcement = kind;
    const nlohmann::json line = parsed(event);
    EXPECT_EQ(line["event"]["action"], "source-reported");
    EXPECT_EQ(line["event"]["type"], nlohmann::json::array({"info"}));
    EXPECT_EQ(line["edgesentry"]["enforcement"], name);
  }
}

TEST(JsonLines, say_horizontal_scans_scan_ip_blocks) {
  Event event = sample_event();
  event.alert->shape = scan::Shape::horizontal;
  EXPECT_EQ(parsed(event)["threat"]["technique"]["id"][0], "T1595.001");
}

TEST(JsonLines, leave_out_what_an_event_without_evidence_does_not_know) {
  Event event;
  event.text = "started";
  const nlohmann::json line = parsed(event);
  EXPECT_EQ(line["event"]["reason"], "started");
  EXPECT_FALSE(line.contains("source"));
  EXPECT_FALSE(line.contains("destination"));
  EXPECT_FALSE(line["edgesentry"].contains("technique"));
}

TEST(JsonLines, name_the_source_of_an_expired_block_without_evidence) {
  Event event;
  event.action = Action::block_expired;
  event.source = *base::Prefix::parse("2001:db8:1::/64");
  const nlohmann::json line = parsed(event);
  EXPECT_EQ(line["source"]["ip"], "2001:db8:1::");
  EXPECT_EQ(line["edgesentry"]["source_prefix"], "2001:db8:1::/64");
}

TEST(JsonLines, have_no_port_where_the_protocol_has_none) {
  Event event = sample_event();
  event.alert->protocol = IPPROTO_ICMP;
  event.alert->technique = scan::Technique::icmp_echo;
  EXPECT_FALSE(parsed(event)["destination"].contains("port"));
  EXPECT_EQ(parsed(event)["network"]["transport"], "icmp");
}

TEST(JsonLines, list_no_more_ports_and_targets_than_an_alert_holds) {
  Event event = sample_event();
  event.alert->port_count = 60'000;
  event.alert->target_count = 4'000'000'000;
  const nlohmann::json own = parsed(event)["edgesentry"];
  EXPECT_EQ(own["ports"].size(), scan::kAlertPorts);
  EXPECT_EQ(own["targets"].size(), scan::kAlertTargets);
  EXPECT_EQ(own["port_count"], 60'000);
  EXPECT_EQ(own["target_count"], 4'000'000'000);
}

TEST(JsonLines, are_one_line_of_valid_json_for_any_bytes_in_the_text) {
  std::mt19937 random(20261122);
  for (int round = 0; round < 2000; ++round) {
    Event event = sample_event();
    event.text.clear();
    for (unsigned i = random() % 40; i > 0; --i) event.text.push_back(static_cast<char>(random()));
    const std::string line = to_json_line(event);
    ASSERT_TRUE(nlohmann::json::accept(line)) << line;
    ASSERT_EQ(line.find('\n'), std::string::npos);
    ASSERT_EQ(line.find('\0'), std::string::npos);
  }
}

TEST(JsonLines, keep_quotes_and_backslashes_of_the_text) {
  Event event = sample_event();
  event.text = "say \"no\" \\ \t\n";
  EXPECT_EQ(parsed(event)["event"]["reason"], event.text);
}

TEST(JsonLines, survive_enumerators_out_of_range) {
  Event event = sample_event();
  event.alert->severity = static_cast<scan::Severity>(200);
  event.alert->technique = static_cast<scan::Technique>(200);
  event.alert->shape = static_cast<scan::Shape>(200);
  EXPECT_EQ(parsed(event)["edgesentry"]["technique"], "unknown");
}

TEST(JsonLines, write_times_before_1970_and_their_fractions_correctly) {
  Event event = sample_event();
  event.time = WallTime(std::chrono::microseconds(-1));
  EXPECT_EQ(parsed(event)["@timestamp"], "1969-12-31T23:59:59.999999Z");
}

}  // namespace
}  // namespace edgesentry::report
