#include "config/load.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "config_text.h"

namespace edgesentry::config {
namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "config_XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name, std::string_view text) const {
    const std::string path = path_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string only_fault(const Loaded& loaded) {
  return loaded.problems.size() == 1 ? loaded.problems[0].to_string() : loaded.to_string();
}

TEST(Load, takes_every_type_of_value) {
  const Loaded loaded = load_good_and(R"(
[dpdk]
hugepages = "off"
eal_args = ["--log-level=8", "--no-telemetry"]
[workers]
count = 2
cores = [2, 3]
[table]
sources = "16M"
[detect]
watched_tcp = "1-3,23"
window = "1h30m"
answer_timeout = "1s500ms"
[networks]
inside = ["192.0.2.77/24", "2001:DB8::/32"]
[block]
ladder = ["10s", "1m"]
[log]
syslog = false
)");
  ASSERT_TRUE(loaded.problems.empty()) << loaded.to_string();
  EXPECT_TRUE(loaded.usable());
  const Config& config = loaded.config;
  EXPECT_EQ(config.mode, Mode::enforce);
  EXPECT_EQ(config.dpdk.hugepages, Hugepages::off);
  EXPECT_EQ(config.dpdk.eal_args.size(), 2u);
  EXPECT_EQ(config.workers.cores, (std::vector<std::uint16_t>{2, 3}));
  EXPECT_EQ(config.table.sources, 16u << 20);
  EXPECT_EQ(config.detect.watched_tcp.to_string(), "1-3,23");
  EXPECT_EQ(config.detect.window, std::chrono::seconds(5400));
  EXPECT_EQ(config.detect.answer_timeout, std::chrono::milliseconds(1500));
  EXPECT_EQ(config.networks.inside.at(0).to_string(), "192.0.2.0/24");
  EXPECT_EQ(config.networks.inside.at(1).to_string(), "2001:db8::/32");
  EXPECT_EQ(config.block.ladder.size(), 2u);
  EXPECT_FALSE(config.log.syslog);
  ASSERT_EQ(config.segments.size(), 1u);
  EXPECT_EQ(config.segments[0].inside, "net_af_packet1,iface=eth2,qpairs=2");
}

TEST(Load, finds_ten_faults_in_one_reading) {
  const Loaded loaded = load_text(R"(mode = "enforced"
colour = "blue"

[[segment]]
name = "uplink"
outside = "eth1"

[workers]
count = 65
cores = "2,3"

[detect]
windw = "1h"
abnormal = 2.5
answer_timeout = 4

[block]
ladder = ["1h", "10m"]

[metrics]
listen = "[::1]:9465"

[blokc]
ladder = ["1h"]
)",
                                  "ten.toml");
  const std::vector<std::pair<unsigned, std::string>> expected = {{1, "mode"},
                                                                  {2, "colour"},
                                                                  {4, "segment[0].inside"},
                                                                  {9, "workers.count"},
                                                                  {10, "workers.cores"},
                                                                  {13, "detect.windw"},
                                                                  {14, "detect.abnormal"},
                                                                  {15, "detect.answer_timeout"},
                                                                  {18, "block.ladder"},
                                                                  {21, "metrics.listen"},
                                                                  {23, "blokc"}};
  ASSERT_EQ(loaded.problems.size(), expected.size()) << loaded.to_string();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Problem& problem = loaded.problems[i];
    EXPECT_EQ(problem.line, expected[i].first) << problem.to_string();
    EXPECT_EQ(problem.key, expected[i].second);
    EXPECT_EQ(problem.file, "ten.toml");
    EXPECT_GT(problem.column, 0u);
    EXPECT_FALSE(problem.fault.empty());
    EXPECT_FALSE(problem.remedy.empty());
  }
  EXPECT_FALSE(loaded.usable());
}

TEST(Load, finds_ten_faults_with_broken_syntax_among_them) {
  const Loaded loaded = load_text(R"(mode = enforce
placement = "inlin"
[[segment]]
name = "uplink"
outside = "eth1
inside = "eth2"
[workers
count = 0
cores = [1, 2
idle = "sleepy"
[table]
ipv6_prefix = 129
sources == 5
[block]
ladder = []
[log]
syslog = "no"
json_file = "events.json"
)",
                                  "ten.toml");
  const std::vector<unsigned> lines = {1, 2, 5, 7, 8, 9, 10, 12, 13, 15, 17, 18};
  ASSERT_EQ(loaded.problems.size(), lines.size()) << loaded.to_string();
  for (std::size_t i = 0; i < lines.size(); ++i)
    EXPECT_EQ(loaded.problems[i].line, lines[i]) << loaded.problems[i].to_string();
}

TEST(Load, says_file_line_column_key_fault_and_remedy) {
  const Loaded loaded = load_good_and("[detect]\nwindow = \"8d\"\n");
  EXPECT_EQ(only_fault(loaded),
            "test.toml:8:10: detect.window: \"8d\" is too large. Write a duration from 1s to 7d, "
            "for example window = \"1h\"");
}

TEST(Load, suggests_the_key_that_was_meant) {
  const Problem nearby =
      only_problem_about(load_good_and("[detect]\nvertcal_ports = 3\n"), "detect.vertcal_ports");
  EXPECT_EQ(nearby.remedy, "Did you mean vertical_ports?") << nearby.fault;
  const Problem elsewhere =
      only_problem_about(load_good_and("[detect]\nladder = [\"1h\"]\n"), "detect.ladder");
  EXPECT_EQ(elsewhere.remedy, "ladder belongs below [block]") << elsewhere.fault;
  const Problem top =
      only_problem_about(load_good_and("[detect]\nmode = \"observe\"\n"), "detect.mode");
  EXPECT_EQ(top.remedy, "mode belongs before the first [section]") << top.fault;
  const Problem section = only_problem_about(load_good_and("[detct]\nwindow = \"1h\"\n"), "detct");
  EXPECT_EQ(section.remedy, "Did you mean [detect]?") << section.fault;
  const Problem stranger =
      only_problem_about(load_good_and("[metrics]\nxyzzy = 1\n"), "metrics.xyzzy");
  EXPECT_EQ(stranger.remedy, "[metrics] has: listen") << stranger.fault;
}

TEST(Load, says_why_metrics_have_no_tls) {
  const Problem key =
      only_problem_about(load_good_and("[metrics]\ntls_cert = \"a\"\n"), "metrics.tls_cert");
  EXPECT_TRUE(has(key.remedy, "TLS")) << key.to_string();
}

TEST(Load, names_each_bad_item_of_a_list) {
  const Loaded loaded =
      load_good_and("[allow]\nnetworks = [\"10.0.0.0/33\", \"10.0.0.1\", \"host\", 7]\n");
  ASSERT_EQ(loaded.problems.size(), 3u) << loaded.to_string();
  EXPECT_TRUE(has(loaded.problems[0].fault, "10.0.0.0/33"));
  EXPECT_EQ(loaded.problems[0].column, 13u);
  EXPECT_EQ(loaded.problems[1].column, 40u);
  EXPECT_TRUE(loaded.config.allow.networks.empty()) << "half a list is nobody's intention";
}

TEST(Load, keeps_the_default_of_a_refused_key) {
  const Loaded loaded = load_good_and("[detect]\nabnormal = 0\n");
  EXPECT_EQ(loaded.problems.size(), 1u);
  EXPECT_EQ(loaded.config.detect.abnormal, Config{}.detect.abnormal);
}

TEST(Load, names_the_keys_that_took_the_place_of_failures) {
  const Problem problem =
      only_problem_about(load_good_and("[detect]\nfailures = 5\n"), "detect.failures");
  EXPECT_EQ(problem.line, 8u);
  EXPECT_TRUE(has(problem.remedy, "false_positive = 1e-3")) << problem.remedy;
}

TEST(Load, takes_probabilities_in_every_spelling_of_a_number) {
  for (const char* written : {"0.001", "1e-3", "1.0e-03"})
    EXPECT_EQ(load_good_and("[detect]\nfalse_positive = " + std::string(written) + "\n")
                  .config.detect.false_positive,
              0.001)
        << written;
  for (const char* wrong : {"0", "1", "-0.1", "0.6", "1e-10", "inf", "-inf"})
    EXPECT_EQ(
        only_problem_about(load_good_and("[detect]\nfalse_positive = " + std::string(wrong) + "\n"),
                           "detect.false_positive")
            .line,
        8u)
        << wrong;
}

TEST(Load, takes_services_as_they_are_said) {
  const Loaded loaded = load_good_and(
      "[networks]\nservices = [\"192.0.2.10 tcp 80,443\", \"2001:db8::/64  udp  53\"]\n");
  ASSERT_TRUE(loaded.problems.empty()) << loaded.to_string();
  const auto& services = loaded.config.networks.services;
  ASSERT_EQ(services.size(), 2u);
  EXPECT_EQ(services[0].to_string(), "192.0.2.10 tcp 80,443");
  EXPECT_EQ(services[1].to_string(), "2001:db8::/64 udp 53");
  EXPECT_EQ(services[1].transport, Transport::udp);
}

TEST(Load, says_what_is_wrong_with_a_service) {
  const std::pair<const char*, const char*> kWrong[] = {
      {"", "address or a network"},
      {"tcp 80", "address or a network"},
      {"192.0.2.10", "tcp, udp or sctp"},
      {"192.0.2.10 icmp 1", "tcp, udp or sctp"},
      {"192.0.2.10 80 tcp", "tcp, udp or sctp"},
      {"192.0.2.10 tcp", "no port"},
      {"192.0.2.10 tcp 0", "port 0"},
      {"192.0.2.10 tcp 70000", "70000"},
      {"192.0.2.10 tcp 80 443", "80 443"},
  };
  for (const auto& [written, why] : kWrong) {
    const Problem problem = only_problem_about(
        load_good_and("[networks]\nservices = [\"" + std::string(written) + "\"]\n"),
        "networks.services");
    EXPECT_TRUE(has(problem.fault, why)) << written << ": " << problem.fault;
    EXPECT_TRUE(has(problem.remedy, "tcp 80,443")) << problem.remedy;
  }
}

TEST(Load, takes_256_services_and_no_more) {
  const auto services = [](int count) {
    std::string text = "[networks]\nservices = [";
    for (int i = 0; i < count; ++i) text += "\"192.0.2.1 tcp 80\", ";
    return load_good_and(text + "]\n");
  };
  EXPECT_TRUE(services(256).problems.empty());
  EXPECT_TRUE(has(only_problem_about(services(257), "networks.services").fault, "256"));
}

TEST(Load, asks_for_double_brackets_around_segment) {
  const Loaded loaded = load_text("[segment]\nname = \"a\"\n", "test.toml");
  const Problem problem = only_problem_about(loaded, "segment");
  EXPECT_EQ(problem.line, 1u) << problem.fault;
  EXPECT_TRUE(has(problem.remedy, "[[segment]]"));
}

TEST(Load, asks_for_a_section_where_a_value_stands) {
  EXPECT_EQ(only_problem_about(load_good_and("[[detect]]\nwindow = \"1h\"\n"), "detect").line, 7u);
  EXPECT_EQ(only_problem_about(load_text("detect = 5\n" + good_text(), "t"), "detect").line, 1u);
}

TEST(Load, takes_windows_line_ends_and_a_byte_order_mark) {
  std::string text = "\xEF\xBB\xBF";
  for (const char c : good_text()) text += c == '\n' ? std::string("\r\n") : std::string(1, c);
  const Loaded loaded = load_text(text, "test.toml");
  EXPECT_TRUE(loaded.problems.empty()) << loaded.to_string();
  EXPECT_EQ(loaded.config.segments.size(), 1u);
}

TEST(Load, makes_the_ignore_file_relative_to_the_configuration) {
  const TemporaryFolder folder;
  folder.file("friends.ignore", "10.0.0.1\n");
  const std::string path =
      folder.file("edgesentry.toml", good_text() + "[allow]\nfile = \"friends.ignore\"\n");
  const Loaded loaded = load_file(path);
  EXPECT_TRUE(loaded.problems.empty()) << loaded.to_string();
  EXPECT_EQ(loaded.config.allow.file, folder.path() + "/friends.ignore");
  EXPECT_EQ(loaded.config.path, path);
}

TEST(Load, reports_bad_lines_of_the_ignore_file_and_stays_usable) {
  const TemporaryFolder folder;
  const std::string ignored = folder.file("friends", "10.0.0.1\nnonsense\n10.0.0.2\n1.2.3\n");
  const std::string path =
      folder.file("edgesentry.toml", good_text() + "[allow]\nfile = \"friends\"\n");
  const Loaded loaded = load_file(path);
  ASSERT_EQ(loaded.problems.size(), 2u) << loaded.to_string();
  EXPECT_EQ(loaded.problems[0].file, ignored);
  EXPECT_EQ(loaded.problems[0].line, 2u);
  EXPECT_EQ(loaded.problems[1].line, 4u);
  EXPECT_TRUE(loaded.usable());
}

TEST(Load, refuses_a_missing_ignore_file_at_the_key_that_names_it) {
  const Loaded loaded = load_good_and("[allow]\nfile = \"/nonexistent/friends\"\n");
  const Problem problem = only_problem_about(loaded, "allow.file");
  EXPECT_EQ(problem.line, 8u) << problem.fault;
  EXPECT_TRUE(has(problem.fault, "/nonexistent/friends"));
  EXPECT_FALSE(loaded.usable());
}

TEST(Load, turns_every_unreadable_file_into_one_problem) {
  const TemporaryFolder folder;
  EXPECT_TRUE(has(only_fault(load_file(folder.path() + "/missing.toml")), "No such file"));
  EXPECT_TRUE(has(only_fault(load_file(folder.path())), "is a directory"));
  EXPECT_TRUE(has(only_fault(load_file("")), "path"));
  EXPECT_TRUE(has(only_fault(load_file("/dev/zero")), "not a regular file"));
  const std::string pipe = folder.path() + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_TRUE(has(only_fault(load_file(pipe)), "not a regular file"));
}

TEST(Load, takes_a_mebibyte_and_not_a_byte_more) {
  const TemporaryFolder folder;
  std::string text = good_text();
  while (text.size() < 1024 * 1024) text += text.size() % 80 == 79 ? "\n" : "#";
  EXPECT_TRUE(load_file(folder.file("full.toml", text)).problems.empty());
  EXPECT_TRUE(has(only_fault(load_file(folder.file("huge.toml", text + "#"))), "1024 KiB"));
}

TEST(Load, refuses_what_is_not_text) {
  using std::string_view_literals::operator""sv;
  EXPECT_TRUE(has(only_fault(load_text("mode = \"a\0b\""sv, "t")), "not a text file"));
}

}  // namespace
}  // namespace edgesentry::config
