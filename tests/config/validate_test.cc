// Rules between keys: each is broken once, and each has a near miss that is taken.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/listen_address.h"
#include "config_text.h"
#include "support/scratch.h"

namespace edgesentry::config {
namespace {

Loaded segments(const std::string& head, const std::string& text) {
  return load_text(head + "\n" + text, "test.toml");
}

TEST(Validate, wants_a_segment) {
  EXPECT_TRUE(has(only_problem_about(load_text("", "t"), "segment").remedy, "[[segment]]"));
}

TEST(Validate, wants_both_sides_inline) {
  const Problem inside = only_problem_about(
      segments("", "[[segment]]\nname = \"a\"\noutside = \"eth1\"\n"), "segment[0].inside");
  EXPECT_EQ(inside.line, 2u) << inside.fault;
  const Problem outside = only_problem_about(
      segments("", "[[segment]]\nname = \"a\"\ninside = \"eth1\"\n"), "segment[0].outside");
  EXPECT_EQ(outside.line, 2u) << outside.fault;
}

TEST(Validate, wants_no_inside_on_a_tap_or_a_host) {
  for (const char* head : {"placement = \"tap\"", "placement = \"host\""}) {
    EXPECT_TRUE(segments(head, "[[segment]]\nname = \"a\"\noutside = \"eth1\"\n").problems.empty());
    const Problem problem = only_problem_about(
        segments(head, "[[segment]]\nname = \"a\"\noutside = \"eth1\"\ninside = \"eth2\"\n"),
        "segment[0].inside");
    EXPECT_EQ(problem.line, 5u) << problem.fault;
  }
}

TEST(Validate, wants_each_device_once) {
  const auto same = [](const std::string& outside, const std::string& inside) {
    const Loaded loaded = segments("", "[[segment]]\nname = \"a\"\noutside = \"" + outside +
                                           "\"\ninside = \"" + inside + "\"\n");
    return !loaded.problems.empty() &&
           has(only_problem_about(loaded, "segment[0].inside").fault, "is the same");
  };
  EXPECT_TRUE(same("eth1", "eth1"));
  EXPECT_TRUE(same("eth1", "net_af_packet0,iface=eth1"));
  EXPECT_TRUE(same("0000:03:00.0", "03:00.0"));
  EXPECT_TRUE(same("0000:0A:00.0", "0a:00.0"));
  EXPECT_TRUE(same("net_null0", "net_null0,size=64"));
  EXPECT_TRUE(same("net_af_packet0,iface=eth1", "net_af_packet0,iface=eth2"));
  EXPECT_FALSE(same("eth1", "eth10"));
  EXPECT_FALSE(same("03:00.0", "03:00.1"));
  EXPECT_FALSE(same("net_null0", "net_null1"));
}

TEST(Validate, wants_devices_that_can_exist) {
  const auto problems = [](const std::string& outside) {
    return segments("placement = \"tap\"",
                    "[[segment]]\nname = \"a\"\noutside = \"" + outside + "\"\n")
        .problems.size();
  };
  for (const char* good : {"eth1", "enp0s31f6.100", "br-lan", "0000:03:00.0", "03:00.0",
                           "net_pcap0,rx_pcap=/a/b.pcap,infinite_rx=1", "net_null0"})
    EXPECT_EQ(problems(good), 0u) << good;
  for (const char* bad : {"a-name-too-long1", "eth 1", "/dev/eth1", "eth1,eth2", "eth1:0"})
    EXPECT_EQ(problems(bad), 1u) << bad;
}

TEST(Validate, does_not_take_the_hosts_device_away) {
  const Problem problem = only_problem_about(
      segments("placement = \"host\"", "[[segment]]\nname = \"a\"\noutside = \"03:00.0\"\n"),
      "segment[0].outside");
  EXPECT_TRUE(has(problem.remedy, "kernel interface")) << problem.fault;
}

TEST(Validate, wants_segment_names_once) {
  const Loaded loaded =
      load_good_and("[[segment]]\nname = \"uplink\"\noutside = \"eth5\"\ninside = \"eth6\"\n");
  EXPECT_TRUE(has(only_problem_about(loaded, "segment[1].name").fault, "segment[0]"));
}

TEST(Validate, wants_a_core_for_each_worker) {
  EXPECT_TRUE(load_good_and("[workers]\ncount = 2\ncores = [0, 1]\n").problems.empty());
  EXPECT_EQ(
      only_problem_about(load_good_and("[workers]\ncount = 2\ncores = [1]\n"), "workers.cores")
          .line,
      9u);
  EXPECT_TRUE(has(
      only_problem_about(load_good_and("[workers]\ncount = 2\ncores = [1, 1]\n"), "workers.cores")
          .fault,
      "twice"));
}

TEST(Validate, wants_answers_within_the_window) {
  EXPECT_TRUE(
      load_good_and("[detect]\nwindow = \"5s\"\nanswer_timeout = \"4999ms\"\n").problems.empty());
  EXPECT_EQ(
      only_problem_about(load_good_and("[detect]\nwindow = \"5s\"\nanswer_timeout = \"5s\"\n"),
                         "detect.answer_timeout")
          .line,
      9u);
  EXPECT_EQ(only_problem_about(load_good_and("[detect]\nwindow = \"4s\"\n"), "detect.window").line,
            8u);
}

TEST(Validate, wants_failures_to_speak_against_scanners) {
  EXPECT_TRUE(load_good_and("[detect]\nbenign_success = 0.21\nfalse_positive = 0.4\n"
                            "detection = 0.5\n")
                  .problems.empty());
  for (const char* line :
       {"benign_success = 0.2", "scanner_success = 0.8", "benign_success = 0.1"}) {
    const Loaded loaded = load_good_and("[detect]\n" + std::string(line) + "\n");
    ASSERT_EQ(loaded.problems.size(), 1u) << line;
    EXPECT_EQ(loaded.problems[0].line, 8u) << line;
    EXPECT_TRUE(has(loaded.problems[0].fault, "succeed")) << line;
  }
}

TEST(Validate, tells_the_wrong_order_beside_other_faults_of_the_test) {
  const Loaded loaded = load_good_and(
      "[detect]\nfalse_positive = 2.0\nbenign_success = 0.2\nscanner_success = 0.8\n");
  EXPECT_EQ(loaded.problems.size(), 2u) << loaded.to_string();
  EXPECT_TRUE(has(loaded.to_string(), "detect.false_positive")) << loaded.to_string();
  EXPECT_TRUE(has(loaded.to_string(), "succeed in 0.8")) << loaded.to_string();
}

TEST(Validate, wants_a_test_that_a_record_can_hold) {
  const Problem problem =
      only_problem_about(load_good_and("[detect]\nfalse_positive = 1e-9\nbenign_success = 0.35\n"),
                         "detect.false_positive");
  EXPECT_TRUE(has(problem.fault, "100 failures")) << problem.fault;
  EXPECT_TRUE(
      load_good_and("[detect]\nfalse_positive = 1e-9\nbenign_success = 0.6\n").problems.empty());
}

TEST(Validate, wants_dark_networks_inside) {
  const std::string inside = "[networks]\ninside = [\"192.0.2.0/24\"]\n";
  EXPECT_TRUE(
      load_good_and(inside + "dark = [\"192.0.2.128/25\", \"192.0.2.1\"]\n").problems.empty());
  EXPECT_TRUE(load_good_and("[networks]\ndark = [\"198.51.100.0/24\"]\n").problems.empty());
  for (const char* dark : {"192.0.0.0/16", "198.51.100.0/24", "0.0.0.0/0"})
    EXPECT_EQ(
        only_problem_about(load_good_and(inside + "dark = [\"" + dark + "\"]\n"), "networks.dark")
            .line,
        9u)
        << dark;
}

TEST(Validate, wants_services_inside) {
  const auto services = [](const std::string& inside, const std::string& service) {
    return load_good_and("[networks]\ninside = [" + inside + "]\nservices = [\"" + service +
                         "\", \"192.0.2.9 tcp 22\"]\n");
  };
  const std::string inside = "\"192.0.2.0/24\"";
  for (const char* near : {"192.0.2.255 udp 53", "192.0.0.0/16 udp 53", "0.0.0.0/0 tcp 80"})
    EXPECT_TRUE(services(inside, near).problems.empty()) << near;
  EXPECT_TRUE(services("", "198.51.100.1 tcp 80").problems.empty());
  for (const char* far : {"192.0.3.0 tcp 80", "198.51.100.0/24 tcp 80", "::/0 udp 53"}) {
    const Problem problem = only_problem_about(services(inside, far), "networks.services");
    EXPECT_EQ(problem.line, 9u) << far;
    EXPECT_TRUE(has(problem.fault, far)) << problem.fault;
    EXPECT_TRUE(problem.fatal);
  }
}

TEST(Validate, warns_of_files_and_programs_that_this_machine_has_not_got) {
  const test::Scratch scratch;
  const std::string file = scratch.write("file", "");
  const auto problem_with = [](const std::string& section, const std::string& key,
                               const std::string& value) {
    const Loaded loaded = load_good_and("[" + section + "]\n" + key + " = \"" + value + "\"\n");
    EXPECT_TRUE(loaded.usable()) << value;
    EXPECT_LE(loaded.problems.size(), 1u) << value;
    return loaded.problems.empty() ? "" : loaded.problems[0].key + ": " + loaded.problems[0].fault;
  };
  for (const char* key : {"json_file", "portsentry_file"}) {
    EXPECT_EQ(problem_with("log", key, scratch.path() + "/new.log"), "");
    EXPECT_TRUE(has(problem_with("log", key, scratch.path() + "/no/new.log"), key));
    EXPECT_TRUE(has(problem_with("log", key, file + "/new.log"), "ot a directory"));
    EXPECT_EQ(problem_with("log", key, ""), "");
  }
  EXPECT_EQ(problem_with("state", "file", scratch.path() + "/made/state.db"), "");
  EXPECT_TRUE(has(problem_with("state", "file", scratch.path() + "/a/b/state.db"), "state.file"));
  EXPECT_EQ(problem_with("log", "block_command", "/bin/sh -c true"), "");
  EXPECT_TRUE(
      has(problem_with("log", "block_command", scratch.path() + "/no $TARGET$"), "No such"));
  EXPECT_TRUE(has(problem_with("log", "block_command", scratch.path()), "is a directory"));
}

TEST(Validate, warns_of_a_cache_that_cannot_be_kept) {
  const test::Scratch scratch;
  const std::string file = scratch.write("file", "");
  const auto cached = [](const std::string& folder, const std::string& more = "") {
    return load_good_and("[payload]\n" + more + "cache = \"" + folder + "\"\n");
  };
  for (const std::string& folder : {file, file + "/below"}) {
    const Loaded loaded = cached(folder);
    const Problem problem = only_problem_about(loaded, "payload.cache");
    EXPECT_TRUE(loaded.usable());
    EXPECT_EQ(problem.line, 8u) << problem.fault;
    EXPECT_TRUE(has(problem.remedy, "cache = \"\"")) << problem.remedy;
    EXPECT_TRUE(cached(folder, "enabled = false\n").problems.empty());
  }
  EXPECT_TRUE(cached(scratch.path()).problems.empty());
  EXPECT_TRUE(cached(scratch.path() + "/made/later").problems.empty());
  EXPECT_TRUE(cached("").problems.empty());
  EXPECT_TRUE(only_problem_about(cached("var/cache"), "payload.cache").fatal);
  ASSERT_EQ(chmod(scratch.path().c_str(), 0500), 0);
  if (access(scratch.path().c_str(), W_OK) != 0) {
    EXPECT_TRUE(has(only_problem_about(cached(scratch.path() + "/new"), "payload.cache").fault,
                    "cannot be written"));
  }
  ASSERT_EQ(chmod(scratch.path().c_str(), 0700), 0);
}

TEST(Validate, reads_patterns_from_beside_the_file) {
  const Loaded loaded =
      load_text(good_text() + "[payload]\npatterns = \"mine.toml\"\n", "/etc/e/edgesentry.toml");
  EXPECT_EQ(loaded.config.payload.patterns, "/etc/e/mine.toml");
}

TEST(Validate, wants_a_rising_ladder) {
  EXPECT_TRUE(load_good_and("[block]\nladder = [\"1s\", \"2s\"]\n").problems.empty());
  for (const char* ladder : {"[]", "[\"1h\", \"1h\"]", "[\"1m\", \"1h\", \"59m\"]"})
    EXPECT_EQ(only_problem_about(load_good_and("[block]\nladder = " + std::string(ladder) + "\n"),
                                 "block.ladder")
                  .line,
              8u)
        << ladder;
}

TEST(Validate, wants_absolute_paths) {
  for (const char* key : {"portsentry_file", "json_file", "block_command"})
    EXPECT_EQ(only_problem_about(load_good_and("[log]\n" + std::string(key) + " = \"x\"\n"),
                                 "log." + std::string(key))
                  .line,
              8u);
  EXPECT_EQ(only_problem_about(load_good_and("[control]\nsocket = \"x\"\n"), "control.socket").line,
            8u);
  EXPECT_FALSE(load_good_and("[control]\nsocket = \"/run/\"\n").usable());
  EXPECT_FALSE(load_good_and("[log]\njson_file = \"/a\"\nportsentry_file = \"/a\"\n").usable());
}

TEST(Validate, wants_a_socket_path_that_fits) {
  const auto with_length = [](std::size_t length) {
    return load_good_and("[control]\nsocket = \"/" + std::string(length - 1, 's') + "\"\n");
  };
  EXPECT_TRUE(with_length(107).problems.empty());
  EXPECT_EQ(only_problem_about(with_length(108), "control.socket").line, 8u);
}

TEST(Validate, wants_a_group_that_exists) {
  EXPECT_TRUE(load_good_and("[control]\nsocket_group = \"root\"\n").problems.empty());
  EXPECT_TRUE(has(only_problem_about(load_good_and("[control]\nsocket_group = \"nosuchgroup\"\n"),
                                     "control.socket_group")
                      .remedy,
                  "groupadd"));
}

TEST(Validate, wants_a_plain_file_prefix) {
  EXPECT_EQ(
      only_problem_about(load_good_and("[dpdk]\nfile_prefix = \"a/b\"\n"), "dpdk.file_prefix").line,
      8u);
}

TEST(Validate, wants_metrics_on_ipv4_and_says_why) {
  const auto fault = [](const std::string& listen) {
    return only_problem_about(load_good_and("[metrics]\nlisten = \"" + listen + "\"\n"),
                              "metrics.listen")
        .fault;
  };
  EXPECT_TRUE(has(fault("[::1]:9465"), "IPv6"));
  EXPECT_TRUE(has(fault("::1"), "IPv6"));
  EXPECT_TRUE(has(fault("https://1.2.3.4"), "TLS"));
  EXPECT_TRUE(has(fault("127.0.0.1"), "port"));
  EXPECT_TRUE(has(fault("127.0.0.1:0"), "port"));
  EXPECT_TRUE(has(fault("127.0.0.1:65536"), "port"));
  EXPECT_TRUE(has(fault("127.0.0.1:80x"), "port"));
  EXPECT_TRUE(has(fault("localhost:9465"), "IPv4"));
  EXPECT_TRUE(load_good_and("[metrics]\nlisten = \"\"\n").problems.empty());
  EXPECT_EQ(parse_listen("0.0.0.0:65535").value().port, 65535);
}

TEST(Validate, wants_rte_flow_only_where_packets_pass) {
  EXPECT_TRUE(load_good_and("[enforce]\nrte_flow = \"on\"\n").problems.empty());
  const Loaded loaded = load_text(R"(placement = "tap"
[[segment]]
name = "lab"
outside = "eth0"
[enforce]
rte_flow = "on"
)",
                                  "t");
  EXPECT_TRUE(has(only_problem_about(loaded, "enforce.rte_flow").fault, "inline"));
}

}  // namespace
}  // namespace edgesentry::config
