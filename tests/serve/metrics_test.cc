#include "serve/metrics.h"

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <fstream>
#include <set>
#include <sstream>

#include "full_links.h"
#include "serve/metric_table.h"

namespace edgesentry::serve {
namespace {

std::string text_of(const Metrics& metrics) {
  return prometheus::TextSerializer().Serialize(metrics.Collect());
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(MetricTable, follows_the_naming_rules_of_prometheus) {
  std::set<std::string_view> names;
  for (const MetricRow& row : metric_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name << " stands twice";
    EXPECT_TRUE(row.name.starts_with("edgesentry_")) << row.name;
    EXPECT_EQ(row.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string::npos);
    EXPECT_EQ(row.kind == MetricKind::counter, row.name.ends_with("_total")) << row.name;
    EXPECT_TRUE(row.help.ends_with('.')) << row.name;
    for (const std::string_view banned : {"_ms", "_us", "_milliseconds", "_microseconds"})
      EXPECT_FALSE(row.name.ends_with(banned)) << row.name;
  }
}

TEST(MetricTable, never_has_an_address_or_a_scanned_port_as_label) {
  for (const MetricRow& row : metric_table())
    for (const std::string_view banned : {"source", "address", "ip", "target", "dst_port"})
      EXPECT_EQ(row.labels.find(banned), std::string::npos) << row.name;
}

TEST(Metrics, show_every_row_of_the_table_when_all_parts_are_in_use) {
  Appliance appliance;
  std::set<std::string> shown;
  for (const auto& family : Metrics(appliance.links()).Collect()) shown.insert(family.name);
  for (const MetricRow& row : metric_table())
    EXPECT_EQ(shown.count(std::string(row.name)), 1u) << row.name;
}

TEST(Metrics, show_little_but_never_fail_when_no_part_is_in_use) {
  const std::string text = text_of(Metrics(MetricsLinks{}));
  EXPECT_TRUE(has_line(text, "edgesentry_up 1"));
  EXPECT_EQ(text.find("edgesentry_packets_received_total"), std::string::npos);
}

TEST(Metrics, tell_what_was_inside_packets) {
  Appliance appliance;
  const std::string text = text_of(Metrics(appliance.links()));
  EXPECT_TRUE(has_line(text, "edgesentry_payload_scanned_bytes_total{worker=\"0\"} 4096"));
  EXPECT_TRUE(has_line(text, "edgesentry_payload_overruns_total{worker=\"0\"} 2"));
  EXPECT_TRUE(has_line(text, "edgesentry_payload_matches_total{kind=\"login_failed\"} 6"));
  EXPECT_TRUE(has_line(text, "edgesentry_payload_dialogues{worker=\"0\"} 3"));
}

TEST(Metrics, add_up_for_each_worker) {
  Appliance appliance;
  const std::string text = text_of(Metrics(appliance.links()));
  EXPECT_TRUE(has_line(text, "edgesentry_packets_received_total{worker=\"0\"} 1000"));
  EXPECT_TRUE(has_line(text, "edgesentry_packets_forwarded_total{worker=\"0\"} 900"));
  EXPECT_TRUE(has_line(text,
                       "edgesentry_packets_dropped_total{worker=\"0\",class=\"verdict\",reason="
                       "\"blocked\"} 90"));
  EXPECT_TRUE(has_line(text,
                       "edgesentry_packets_dropped_total{worker=\"0\",class=\"fault\",reason="
                       "\"transmit_full\"} 10"));
  EXPECT_TRUE(has_line(text, "edgesentry_packets_received_total{worker=\"1\"} 0"));
  EXPECT_TRUE(
      has_line(text, "edgesentry_challenge_replies_total{worker=\"0\",kind=\"challenge\"} 4"));
  EXPECT_TRUE(has_line(
      text, "edgesentry_challenge_replies_refused_total{worker=\"0\",reason=\"unpaid\"} 6"));
  EXPECT_TRUE(has_line(text, "edgesentry_challenge_bytes_total{worker=\"0\"} 216"));
}

TEST(Metrics, show_only_pairs_of_shape_and_technique_that_occurred) {
  Appliance appliance;
  const std::string text = text_of(Metrics(appliance.links()));
  EXPECT_TRUE(
      has_line(text, "edgesentry_alerts_total{shape=\"vertical\",technique=\"tcp_syn\"} 3"));
  EXPECT_TRUE(has_line(text, "edgesentry_alerts_total{shape=\"trap\",technique=\"tcp_syn\"} 0"));
  EXPECT_EQ(text.find("tcp_xmas"), std::string::npos);
}

TEST(Metrics, count_scanners_by_every_tool_that_can_be_named) {
  Appliance appliance;
  const std::string text = text_of(Metrics(appliance.links()));
  EXPECT_TRUE(has_line(text, "edgesentry_tools_named_total{tool=\"nmap\"} 3"));
  for (const std::string_view tool : scan::kToolNames)
    EXPECT_NE(text.find("tools_named_total{tool=\"" + std::string(tool) + "\"}"), std::string::npos)
        << tool;
}

TEST(Metrics, print_histograms_in_seconds_and_cumulated) {
  Appliance appliance;
  const std::string text = text_of(Metrics(appliance.links()));
  const std::string name = "edgesentry_detection_latency_seconds";
  EXPECT_TRUE(has_line(text, name + "_bucket{le=\"3e-05\"} 0")) << text;
  EXPECT_TRUE(has_line(text, name + "_bucket{le=\"0.0001\"} 1"));
  EXPECT_TRUE(has_line(text, name + "_bucket{le=\"10\"} 1"));
  EXPECT_TRUE(has_line(text, name + "_bucket{le=\"+Inf\"} 2"));
  EXPECT_TRUE(has_line(text, name + "_count 2"));
}

TEST(Metrics, show_the_age_of_a_heartbeat_and_of_one_that_never_came) {
  Appliance appliance;
  appliance.idle_tally.heartbeat.set(0);
  MetricsLinks links = appliance.links();
  std::uint64_t now_seconds = 10;
  links.now = [&] { return base::seconds(now_seconds); };
  const Metrics metrics(std::move(links));
  now_seconds = 25;
  const std::string text = text_of(metrics);
  EXPECT_TRUE(has_line(text, "edgesentry_worker_heartbeat_age_seconds{worker=\"0\"} 16"));
  EXPECT_TRUE(has_line(text, "edgesentry_worker_heartbeat_age_seconds{worker=\"1\"} 15"));
}

TEST(Metrics, are_up_only_while_workers_and_control_go_round) {
  Appliance appliance;
  MetricsLinks links = appliance.links();
  base::Micros now = base::seconds(10);
  links.now = [&] { return now; };
  const Metrics metrics(std::move(links));
  EXPECT_TRUE(has_line(text_of(metrics), "edgesentry_up 1"));
  EXPECT_TRUE(has_line(text_of(metrics), "edgesentry_control_heartbeat_age_seconds 0.5"));
  now = now + base::Micros{1};  // the idle worker's was two seconds ago
  EXPECT_TRUE(has_line(text_of(metrics), "edgesentry_up 0"));
  appliance.idle_tally.heartbeat.set(now.value);
  EXPECT_TRUE(has_line(text_of(metrics), "edgesentry_up 1"));
  now = base::seconds(11);
  appliance.tally.heartbeat.set(now.value);
  EXPECT_TRUE(has_line(text_of(metrics), "edgesentry_up 1"));
  now = base::Micros{11'500'001};  // control
  EXPECT_TRUE(has_line(text_of(metrics), "edgesentry_up 0"));
}

TEST(Metrics, split_commands_into_successes_and_failures) {
  Appliance appliance;
  const std::string text = text_of(Metrics(appliance.links()));
  EXPECT_TRUE(has_line(text, "edgesentry_commands_total{result=\"success\"} 2"));
  EXPECT_TRUE(has_line(text, "edgesentry_commands_total{result=\"failure\"} 1"));
}

TEST(Metrics, escape_labels_that_an_operator_chose) {
  Appliance appliance;
  EXPECT_TRUE(has_line(text_of(Metrics(appliance.links())),
                       "edgesentry_nic_link_up{port=\"lan \\\"outside\\\"\"} 1"));
}

TEST(MetricsPage, tells_what_each_verdict_does_with_packets) {
  const std::string page = metrics_markdown();
  const auto row = page.substr(page.find("`edgesentry_packets_dropped_total`"));
  const std::string help = row.substr(0, row.find('\n'));
  for (const std::string_view reason : scan::kVerdictDropNames)
    EXPECT_NE(help.find(std::string("`").append(reason).append("`:")), std::string::npos) << reason;
}

TEST(MetricsPage, is_the_one_that_the_table_prints) {
  std::ifstream file(EDGESENTRY_SOURCE_ROOT "/docs/metrics.md");
  std::ostringstream page;
  page << file.rdbuf();
  EXPECT_EQ(page.str(), metrics_markdown())
      << "print it anew: build/tests/serve/metrics_example --markdown > docs/metrics.md";
}

}  // namespace
}  // namespace edgesentry::serve
