#include "config/eal_options.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "config/load.h"

namespace edgesentry::config {
namespace {

std::string refusal(const std::vector<std::string>& words) {
  const base::Status checked = check_eal_options(words);
  return checked.ok() ? "" : checked.error().text;
}

TEST(EalOptions, take_what_dpdk_takes_with_its_arguments) {
  EXPECT_EQ(refusal({}), "");
  EXPECT_EQ(refusal({"-l", "1-3", "-a", "0000:03:00.0", "-m512", "--lcores=0@(1,2)", "--vdev",
                     "net_null0", "--log-level=lib.eal:8", "--no-telemetry", "-n4"}),
            "");
  EXPECT_EQ(refusal({"--file-pre=x"}), "") << "getopt_long takes beginnings";
}

TEST(EalOptions, refuse_what_ends_the_process_with_a_page_of_text) {
  for (const char* word : {"-h", "--help", "-v", "--version", "--"})
    EXPECT_NE(refusal({"-l", "1", word}).find("would end the start"), std::string::npos) << word;
}

TEST(EalOptions, refuse_what_is_none_and_name_it) {
  EXPECT_EQ(refusal({"--nonsense"}), "\"--nonsense\" is no option of DPDK's EAL");
  EXPECT_EQ(refusal({"--no-pci", "--vdevs=net_null0"}),
            "\"--vdevs=net_null0\" is no option of DPDK's EAL");
  EXPECT_EQ(refusal({"-x"}), "\"-x\" is no option of DPDK's EAL");
}

TEST(EalOptions, of_a_configuration_are_refused_with_their_line) {
  const Loaded loaded = load_text("[dpdk]\neal_args = [\"-h\"]\n", "a.toml");
  EXPECT_NE(loaded.to_string().find("a.toml:2:1: dpdk.eal_args: \"-h\" would end the start"),
            std::string::npos)
      << loaded.to_string();
  EXPECT_FALSE(loaded.usable());
}

}  // namespace
}  // namespace edgesentry::config
