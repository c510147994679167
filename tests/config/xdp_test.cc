#include "config/xdp.h"

#include <gtest/gtest.h>

#include "config_text.h"

namespace edgesentry::config {
namespace {

Loaded load_with(const std::string& placement, const std::string& outside,
                 const std::string& enforce) {
  return load_text("placement = \"" + placement + "\"\n[[segment]]\nname = \"a\"\noutside = \"" +
                       outside + "\"\n[enforce]\n" + enforce,
                   "t");
}

std::vector<std::string> interfaces(const std::string& placement, const std::string& outside,
                                    const std::string& enforce) {
  const Loaded loaded = load_with(placement, outside, enforce);
  EXPECT_TRUE(loaded.problems.empty());
  return xdp_interfaces(loaded.config);
}

using Names = std::vector<std::string>;

TEST(Xdp, stands_on_the_interface_of_a_host_unasked) {
  EXPECT_EQ(interfaces("host", "eth0", ""), Names{"eth0"});
  EXPECT_EQ(interfaces("host", "net_af_packet0,iface=eth7", ""), Names{"eth7"});
  EXPECT_EQ(interfaces("host", "eth0", "xdp = \"off\"\n"), Names{});
  EXPECT_EQ(interfaces("host", "eth0", "xdp_devices = [\"eth2\", \"eth1\", \"eth2\"]\n"),
            (Names{"eth1", "eth2"}));
}

TEST(Xdp, leaves_a_port_to_the_program_of_af_xdp) {
  EXPECT_EQ(interfaces("host", "net_af_xdp0,iface=eth7", ""), Names{});
}

TEST(Xdp, stands_nowhere_else_unless_told_where) {
  EXPECT_EQ(interfaces("tap", "eth0", ""), Names{});
  EXPECT_EQ(interfaces("tap", "eth0", "xdp = \"on\"\nxdp_devices = [\"eth1\"]\n"), Names{"eth1"});
}

TEST(Xdp, that_has_no_interface_is_a_problem) {
  const Loaded loaded = load_with("tap", "eth0", "xdp = \"on\"\n");
  EXPECT_TRUE(has(only_problem_about(loaded, "enforce.xdp").remedy, "xdp_devices"));
}

TEST(Xdp, interfaces_that_nobody_asks_for_are_a_problem) {
  for (const char* placement : {"tap", "host"}) {
    const bool is_host = std::string(placement) == "host";
    const Loaded loaded = load_with(placement, "eth0",
                                    std::string("xdp = \"") + (is_host ? "off" : "automatic") +
                                        "\"\nxdp_devices = [\"eth0\"]\n");
    EXPECT_TRUE(has(only_problem_about(loaded, "enforce.xdp_devices").fault, "no use"));
  }
}

}  // namespace
}  // namespace edgesentry::config
