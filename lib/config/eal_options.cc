#include "config/eal_options.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "config/validate.h"

namespace edgesentry::config {
namespace {

// lib/eal/common/eal_common_options.c, eal_short_options and eal_long_options, less help and
// version.
constexpr std::string_view kShort = "abcdlmnrsS";
constexpr std::array<std::string_view, 36> kLong = {"allow",
                                                    "base-virtaddr",
                                                    "block",
                                                    "create-uio-dev",
                                                    "file-prefix",
                                                    "force-max-simd-bitwidth",
                                                    "huge-dir",
                                                    "huge-unlink",
                                                    "huge-worker-stack",
                                                    "in-memory",
                                                    "iova-mode",
                                                    "lcores",
                                                    "legacy-mem",
                                                    "log-level",
                                                    "main-lcore",
                                                    "match-allocations",
                                                    "mbuf-pool-ops-name",
                                                    "no-hpet",
                                                    "no-huge",
                                                    "no-pci",
                                                    "no-shconf",
                                                    "no-telemetry",
                                                    "proc-type",
                                                    "single-file-segments",
                                                    "socket-limit",
                                                    "socket-mem",
                                                    "syslog",
                                                    "telemetry",
                                                    "trace",
                                                    "trace-bufsz",
                                                    "trace-dir",
                                                    "trace-mode",
                                                    "vdev",
                                                    "vfio-intr",
                                                    "vfio-vf-token",
                                                    "vmware-tsc-map"};

bool is_question(std::string_view option) {
  constexpr std::array<std::string_view, 5> kQuestions = {"-h", "-v", "--help", "--version", "--"};
  return std::ranges::find(kQuestions, option) != kQuestions.end();
}

// getopt_long(3) takes the beginning of a name too.
bool is_known(std::string_view option) {
  if (!option.starts_with("--"))
    return option.size() < 2 || kShort.find(option[1]) != std::string_view::npos;
  return std::ranges::any_of(
      kLong, [name = option.substr(2)](std::string_view known) { return known.starts_with(name); });
}

}  // namespace

base::Status check_eal_options(std::span<const std::string> words) {
  for (const std::string& word : words) {
    if (!word.starts_with('-')) continue;
    const std::string option = word.substr(0, word.find('='));
    if (is_question(option))
      return base::Error{fmt::format("\"{}\" would end the start instead of changing it", word)};
    if (!is_known(option))
      return base::Error{fmt::format("\"{}\" is no option of DPDK's EAL", word)};
  }
  return {};
}

void validate_eal(const Config& config, const Origins& origins, std::vector<Problem>& problems) {
  if (origins.is_spoiled("dpdk.eal_args")) return;
  if (const base::Status right = check_eal_options(config.dpdk.eal_args); !right)
    problems.push_back(
        about(origins, "dpdk.eal_args", right.error().text,
              "Remove it, or write one of the EAL parameters that DPDK 22.11 documents"));
}

}  // namespace edgesentry::config
