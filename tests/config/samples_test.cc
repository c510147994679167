// What stands in config/samples is right, and is what its comments promise.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "config/ignore_file.h"
#include "config/reload_diff.h"
#include "config_text.h"

namespace edgesentry::config {
namespace {

const std::string kRoot = EDGESENTRY_SOURCE_ROOT;
const std::string kSamples = kRoot + "/config/samples";

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::set<std::string> metrics_in(const std::string& text) {
  static const std::regex pattern("edgesentry_[a-z_]+");
  std::set<std::string> names;
  for (auto at = std::sregex_iterator(text.begin(), text.end(), pattern);
       at != std::sregex_iterator(); ++at)
    names.insert(at->str());
  return names;
}

TEST(Samples, load_without_a_problem) {
  for (const char* name : {"/edgesentry.toml", "/lab.toml"}) {
    const Loaded loaded = load_file(kSamples + name);
    // The folder of the logs is the package's affair.
    for (const Problem& problem : loaded.problems)
      EXPECT_TRUE(!problem.fatal && problem.key.starts_with("log.")) << problem.to_string();
  }
}

TEST(Samples, ship_a_configuration_that_only_watches) {
  const Config config = load_file(kSamples + "/edgesentry.toml").config;
  EXPECT_EQ(config.mode, Mode::observe);
  EXPECT_EQ(config.metrics.listen, "127.0.0.1:9465");
  EXPECT_TRUE(config.control.socket_group.empty());
  EXPECT_TRUE(config.log.block_command.empty());
}

TEST(Samples, differ_from_the_defaults_only_where_a_machine_must) {
  const Config config = load_file(kSamples + "/edgesentry.toml").config;
  std::vector<std::string> keys;
  for (const Change& change : reload_diff(Config{}, config)) keys.push_back(change.key);
  EXPECT_EQ(keys,
            (std::vector<std::string>{"detect.watched_tcp", "detect.watched_udp", "allow.file",
                                      "log.portsentry_file", "log.json_file", "segment[0]"}));
}

TEST(Samples, watch_no_port_that_clients_take_for_themselves) {
  // ip_local_port_range of Linux begins at 32768.
  const Config config = load_file(kSamples + "/edgesentry.toml").config;
  for (std::uint32_t port = 32'768; port <= 65'535; ++port) {
    ASSERT_FALSE(config.detect.watched_tcp.contains(static_cast<std::uint16_t>(port))) << port;
    ASSERT_FALSE(config.detect.watched_udp.contains(static_cast<std::uint16_t>(port))) << port;
  }
}

TEST(Samples, enforce_with_short_blocks_in_the_lab) {
  const Config config = load_file(kSamples + "/lab.toml").config;
  EXPECT_EQ(config.mode, Mode::enforce);
  EXPECT_LE(config.block.ladder.front(), std::chrono::seconds(60));
  EXPECT_TRUE(has(config.segments.at(0).outside, "qpairs="));
}

TEST(Samples, have_an_ignore_file_without_bad_lines) {
  const IgnoreFile ignored = load_ignore(kSamples + "/edgesentry.ignore");
  EXPECT_TRUE(ignored.problems.empty());
  EXPECT_EQ(ignored.prefixes.size(), 2u);
}

TEST(Samples, alert_on_metrics_that_exist) {
  const std::set<std::string> known = metrics_in(text_of(kRoot + "/lib/serve/metric_table.cc"));
  const std::set<std::string> used = metrics_in(text_of(kSamples + "/alerts.yml"));
  EXPECT_GT(used.size(), 10u);
  for (const std::string& name : used) EXPECT_TRUE(known.contains(name)) << name;
}

TEST(Samples, pass_promtool) {
  if (std::system("promtool --version >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "promtool is not installed; apt-get install prometheus";
  // The scrape sample names the rule file beside it, so this checks both.
  const std::string command =
      "cd '" + kSamples + "' && promtool check config prometheus.yml >/dev/null";
  EXPECT_EQ(std::system(command.c_str()), 0);
}

}  // namespace
}  // namespace edgesentry::config
