// Runs every .scn file of a folder through lib/replay, with one worker and with several: the
// decisions must be those that the file expects, and the same for any number of workers.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "policy/never_ban.h"
#include "replay/replay.h"
#include "report/json_lines.h"
#include "report/portsentry_line.h"
#include "scenario.h"
#include "support/scratch.h"

namespace edgesentry::test {
namespace {

// Midnight, so that times in log lines read as those of the file.
constexpr base::Micros kMidnight = base::seconds(1'767'225'600);

struct Outcome {
  std::vector<report::Event> events;
  replay::ReplaySummary summary;

  [[nodiscard]] const report::Event* find(report::Action action, const base::Ip& source) const {
    const auto found = std::find_if(events.begin(), events.end(), [&](const report::Event& event) {
      return event.action == action && event.source.contains(source);
    });
    return found == events.end() ? nullptr : &*found;
  }
  [[nodiscard]] std::set<std::string> blocked() const {
    std::set<std::string> out;
    for (const report::Event& event : events)
      if (event.action == report::Action::source_blocked) out.insert(event.source.to_string());
    return out;
  }
  [[nodiscard]] std::string reason(const std::string& source) const {
    for (const report::Event& event : events)
      if (event.source.to_string() == source) return event.text;
    return {};
  }
};

Outcome run(const Scenario& scenario, std::uint16_t workers) {
  replay::ReplayOptions options;
  policy::AllowLists lists;
  for (const base::Prefix& prefix : scenario.allow)
    lists.configured.push_back({prefix, policy::Exempt::allowed_by_config});
  lists.never_ban = policy::compute_never_ban({}, {false, false, false});
  options.detection = scenario.policy;
  options.exempt = policy::Exemptions(lists, scenario.policy.ipv6_prefix);
  options.detection.allow = options.exempt.set();
  options.detection.inside = base::CidrSet(scenario.inside);
  options.workers = workers;
  options.sources = 1u << 12;
  options.suspects = 1u << 9;

  Outcome outcome;
  replay::Replay replay(
      options, [&outcome](const report::Event& event) { outcome.events.push_back(event); });
  std::uint64_t number = 0;
  for (const TimedPacket& packet : scenario.packets) {
    const Bytes frame = packet.packet.bytes();
    replay.take({.bytes = frame,
                 .wire_bytes = static_cast<std::uint32_t>(frame.size()),
                 .time = kMidnight + packet.time,
                 .number = ++number},
                wire::LinkType::ethernet);
  }
  outcome.summary = replay.finish();
  return outcome;
}

std::string field_of(const scan::Alert& alert, const std::string& field) {
  if (field == "technique") return std::string(scan::to_string(alert.technique));
  if (field == "shape") return std::string(scan::to_string(alert.shape));
  if (field == "severity") return std::string(scan::to_string(alert.severity));
  if (field == "reason") return std::string(scan::to_string(alert.reason));
  if (field == "proven") return alert.proven ? "true" : "false";
  if (field == "probes") return std::to_string(alert.probes);
  if (field == "ports") return std::to_string(alert.port_count);
  if (field == "targets") return std::to_string(alert.target_count);
  return "no such field";
}

bool holds(const Condition& condition, const std::string& actual) {
  if (condition.relation == "=") return actual == condition.value;
  const auto a = std::strtoll(actual.c_str(), nullptr, 10);
  const auto b = std::strtoll(condition.value.c_str(), nullptr, 10);
  return condition.relation == "<=" ? a <= b : a >= b;
}

void check_decision(const Expectation& expected, const Outcome& outcome) {
  const auto action = expected.kind == Expectation::Kind::block ? report::Action::source_blocked
                                                                : report::Action::scan_detected;
  const report::Event* event = outcome.find(action, expected.source);
  ASSERT_NE(event, nullptr) << expected.source.to_string() << ": " << report::action_name(action)
                            << " was expected";
  for (const Condition& condition : expected.conditions) {
    const std::string actual = field_of(*event->alert, condition.field);
    EXPECT_TRUE(holds(condition, actual))
        << condition.field << " is " << actual << ", expected " << condition.relation
        << condition.value << "; " << event->text;
  }
}

void check_log(const Expectation& expected, const Outcome& outcome) {
  std::string all;
  for (const report::Event& event : outcome.events)
    all += fmt::format("{}\n{}\n", report::to_json_line(event), report::portsentry_line(event));
  EXPECT_NE(all.find(expected.text), std::string::npos) << "not in:\n" << all;
}

void check(const Expectation& expected, const Outcome& outcome) {
  switch (expected.kind) {
    case Expectation::Kind::nothing:
      for (const report::Event& event : outcome.events)
        EXPECT_EQ(event.action, report::Action::port_touched) << event.text;
      break;
    case Expectation::Kind::dropped:
      EXPECT_EQ(outcome.summary.dropped_packets, expected.count);
      break;
    case Expectation::Kind::log:
      check_log(expected, outcome);
      break;
    case Expectation::Kind::block:
    case Expectation::Kind::scan:
      check_decision(expected, outcome);
      break;
  }
}

class ScenarioTest : public testing::Test {
 public:
  explicit ScenarioTest(std::string path) : path_(std::move(path)) {}

  void TestBody() override {
    const auto scenario = read_scenario(path_);
    ASSERT_TRUE(scenario.ok()) << scenario.error().text;
    for (const std::uint16_t workers : {1, 3}) {
      SCOPED_TRACE(fmt::format("{} with {} worker(s)", path_, workers));
      check_all(scenario.value(), run(scenario.value(), workers));
    }
  }

 private:
  static void check_all(const Scenario& scenario, const Outcome& outcome) {
    std::set<std::string> may_be_blocked;
    for (const Expectation& expectation : scenario.expectations) {
      SCOPED_TRACE(fmt::format("line {}", expectation.line));
      const bool is_block = expectation.kind == Expectation::Kind::block;
      const report::Event* event =
          is_block ? outcome.find(report::Action::source_blocked, expectation.source) : nullptr;
      if (event != nullptr) may_be_blocked.insert(event->source.to_string());
      check(expectation, outcome);
    }
    for (const std::string& source : outcome.blocked())
      EXPECT_TRUE(may_be_blocked.contains(source))
          << source << " is blocked, wrongly: " << outcome.reason(source);
  }

  std::string path_;
};

TEST(ScenarioFile, names_the_line_that_it_cannot_understand) {
  const Scratch scratch;
  for (const std::string line :
       {"0.0 tcp 198.51.100.7:1 > 10.0.0.1:2 Q", "0.0 tcp 198.51.100.7 10.0.0.1 S",
        "yesterday udp 10.0.0.3:1 > 10.0.0.1:2", "0.0 udp 10.0.0.300:1 > 10.0.0.1:2",
        "0.0 udp 10.0.0.3:1 > 10.0.0.1:2 colour red", "expect victory", "set patience 3"}) {
    const auto scenario = read_scenario(scratch.write("faulty.scn", "# a comment\n" + line + "\n"));
    ASSERT_FALSE(scenario.ok()) << line;
    EXPECT_NE(scenario.error().text.find("faulty.scn:2: "), std::string::npos)
        << scenario.error().text;
  }
}

}  // namespace
}  // namespace edgesentry::test

// usage: test_scenarios FOLDER [GoogleTest options]
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc < 2) {
    fmt::print(stderr, "usage: {} FOLDER\n", argv[0]);
    return 2;
  }
  std::set<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1]))
    if (entry.path().extension() == ".scn") files.insert(entry.path());
  if (files.empty()) {
    fmt::print(stderr, "{}: no .scn files\n", argv[1]);
    return 1;
  }
  for (const std::filesystem::path& file : files)
    testing::RegisterTest("Scenario", file.stem().c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [path = file.string()]() -> testing::Test* {
                            return new edgesentry::test::ScenarioTest(path);
                          });
  return RUN_ALL_TESTS();
}
