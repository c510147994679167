#include <gtest/gtest.h>

#include "scan/tool_probes.h"

namespace edgesentry::scan {
namespace {

void answer(Bench& bench, const Flow& flow) {
  bench.hear(tcp(flow.back(), kRstAck));
}

TEST(InspectTool, names_the_tool_in_the_deciding_alert) {
  Bench bench;
  for (std::uint32_t n = 0; n < 12 && bench.alerts.empty(); ++n)
    if (bench.act(nmap_syn(nth(n))) == Verdict::pass) answer(bench, nth(n));
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(bench.alerts[0].tool.tool, Tool::nmap);
  EXPECT_EQ(bench.alerts[0].tool.confidence, Confidence::high);
  EXPECT_EQ(bench.tally.tools[static_cast<std::size_t>(Tool::nmap)].value(), 1u);
}

TEST(InspectTool, names_none_for_a_kernels_connections) {
  Bench bench;
  for (std::uint32_t n = 0; n < 12 && bench.alerts.empty(); ++n) {
    wire::Probe probe = plain_syn(nth(n));
    probe.sequence = n * 0x9e3779b1u;
    if (bench.act(probe) == Verdict::pass) answer(bench, nth(n));
  }
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(bench.alerts[0].tool.tool, Tool::none);
  EXPECT_EQ(bench.tally.tools[0].value(), 1u);
}

TEST(InspectTool, does_not_count_retransmissions) {
  Bench bench;
  bench.policy.enforce = false;
  // Each SYN three times with all its numbers, and no two of different ports alike.
  for (std::uint32_t n = 0; n < 12; ++n) {
    const wire::Probe probe = nmap_syn(nth(n), 0x10000000 + n * 0x01234567);
    for (int sent = 0; sent < 3; ++sent) bench.act(probe);
    answer(bench, nth(n));
  }
  ASSERT_FALSE(bench.alerts.empty());
  EXPECT_EQ(bench.alerts[0].tool.tool, Tool::nmap);
  EXPECT_EQ(bench.alerts[0].tool.confidence, Confidence::medium) << "by shape, not by number";
}

TEST(InspectTool, is_sure_later_of_what_it_guessed_first) {
  Bench bench;
  bench.policy.enforce = false;
  for (std::uint32_t n = 0; n < 200; ++n) {
    wire::Probe probe = plain_syn(nth(n));
    probe.sequence = n * 0x9e3779b1u;
    bench.act(n < 30 ? probe : nmap_syn(nth(n)));
    answer(bench, nth(n));
  }
  ASSERT_GE(bench.alerts.size(), 2u);
  EXPECT_EQ(bench.alerts.front().tool.tool, Tool::none);
  EXPECT_EQ(bench.alerts.back().kind, AlertKind::growth);
  EXPECT_EQ(bench.alerts.back().tool.tool, Tool::nmap);
  EXPECT_EQ(bench.alerts.back().tool.confidence, Confidence::high);
}

TEST(InspectTool, blocks_nobody_for_a_tools_name) {
  Bench bench;
  for (int n = 0; n < 50; ++n) EXPECT_EQ(bench.act(masscan_syn()), Verdict::pass);
  EXPECT_TRUE(bench.alerts.empty());
}

}  // namespace
}  // namespace edgesentry::scan
