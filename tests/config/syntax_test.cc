// Syntax errors: each is reported once, and what stands around them is still read.
#include <gtest/gtest.h>

#include "config_text.h"

namespace edgesentry::config {
namespace {

struct Case {
  const char* text;
  unsigned line;
  const char* key;
};

TEST(Syntax, gives_one_problem_for_one_error) {
  const Case cases[] = {
      {"[detect]\nwindow = 1h\n", 8, "detect.window"},
      {"[detect]\nwindow = \"1h\nabnormal = 5\n", 8, "detect.window"},
      {"[detect]\nwindow\nabnormal = 5\n", 8, ""},
      {"[detect]\nwindow = \n", 8, "detect.window"},
      {"[detect]\nthis is no line of TOML\n", 8, ""},
      {"[detect\nwindow = \"1h\"\n", 7, "detect"},
      {"[detect]]\nwindow = \"1h\"\n", 7, "detect"},
      {"[workers]\ncores = [0\nidle = \"poll\"\n", 8, "workers.cores"},
      {"[workers]\ncores = [\n  0,\n  ,\n]\nidle = \"poll\"\n", 10, "workers.cores"},
      {"[workers]\ncores = [\n  0", 9, "workers.cores"},
      {"[log]\nblock_command = \"\"\"/bin/x\n", 8, "log.block_command"},
      {"[detect]\nwindow = \"1h\"\nwindow = \"2h\"\n", 9, "detect.window"},
      {"[detect]\nabnormal = 1\n[log]\nsyslog = true\n[detect]\nwindow = \"1h\"\n", 11, "detect"},
      {"[block]\nladder = [\"10m\" \"1h\"]\n", 8, "block.ladder"},
      {"[networks]\ninside = ['192.0.2.0/24',\n'2001:db8::/32'\n[log]\nsyslog = true\n", 8,
       "networks.inside"},
      {"]\n[log]\nsyslog = true\n", 7, ""},
      {"[log]\nsyslog = True\n", 8, "log.syslog"},
      {"[metrics]\nlisten = 127.0.0.1:9465\n", 8, "metrics.listen"},
      {"[control]\nsocket = \"/run/\\q\"\n", 8, "control.socket"},
      {"[log]\njson_file = \"/a\xff\"\n", 8, "log.json_file"},
  };
  for (const Case& each : cases) {
    const Loaded loaded = load_good_and(each.text);
    ASSERT_EQ(loaded.problems.size(), 1u) << each.text << loaded.to_string();
    const Problem& problem = loaded.problems[0];
    EXPECT_EQ(problem.line, each.line) << each.text << problem.to_string();
    EXPECT_EQ(problem.key, each.key) << each.text << problem.to_string();
    EXPECT_FALSE(problem.remedy.empty()) << each.text;
  }
}

TEST(Syntax, goes_on_behind_an_error) {
  const Loaded loaded =
      load_good_and("[detect]\nwindow = 1h\nabnormal = 9\n[log]\nsyslog = false\n");
  EXPECT_EQ(loaded.problems.size(), 1u) << loaded.to_string();
  EXPECT_EQ(loaded.config.detect.abnormal, 9u);
  EXPECT_FALSE(loaded.config.log.syslog);
}

TEST(Syntax, reads_the_section_below_a_header_it_can_mend) {
  const Loaded loaded = load_good_and("[detect\nabnormal = 9\nwindow = \"9d\"\n");
  EXPECT_EQ(loaded.problems.size(), 2u) << loaded.to_string();
  EXPECT_EQ(loaded.config.detect.abnormal, 9u);
}

TEST(Syntax, explains_how_the_value_is_written) {
  const Problem problem =
      only_problem_about(load_good_and("[detect]\nwindow = 1h\n"), "detect.window");
  EXPECT_TRUE(has(problem.remedy, "window = \"1h\"")) << problem.to_string();
  EXPECT_TRUE(has(problem.fault, "1h cannot be read")) << problem.to_string();
  EXPECT_EQ(only_problem_about(load_good_and("[detect]\nwindow =\n"), "detect.window").fault,
            "has no value");
  const Loaded twice = load_good_and("[detect]\nwindow = \"1h\"\nwindow = \"2h\"\n");
  EXPECT_EQ(only_problem_about(twice, "detect.window").fault, "is given a second time");
}

TEST(Syntax, stops_counting_in_a_file_that_is_something_else) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "TCP_PORTS: 1 2 3\n";
  const Loaded loaded = load_text(text, "portsentry.conf");
  EXPECT_LT(loaded.problems.size(), 50u);
  EXPECT_FALSE(loaded.usable());
}

}  // namespace
}  // namespace edgesentry::config
