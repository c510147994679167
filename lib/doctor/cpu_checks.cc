#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <span>

#include "doctor/checks.h"

namespace edgesentry::doctor {
namespace {

#ifdef __AVX2__
constexpr bool kNeedsThird = true;
#else
constexpr bool kNeedsThird = false;
#endif

std::vector<std::string_view> missing_of(std::span<const std::string_view> wanted,
                                         std::span<const std::string_view> flags) {
  std::vector<std::string_view> missing;
  for (const std::string_view flag : wanted)
    if (std::ranges::find(flags, flag) == flags.end()) missing.push_back(flag);
  return missing;
}

}  // namespace

Findings check_cpu(const Patient& patient) {
  constexpr std::string_view kCpu = "CPU";
  // As scan/looks.cc asks for them, and as the x86-64 psABI defines x86-64-v3.
  constexpr std::array<std::string_view, 4> kAvx512 = {"avx512f", "avx512bw", "avx512dq",
                                                       "avx512vl"};
  constexpr std::array<std::string_view, 8> kThird = {"avx",  "avx2", "bmi1",  "bmi2",
                                                      "f16c", "fma",  "movbe", "abm"};
  const std::string info = patient.tree.text("/proc/cpuinfo").value_or("");
  const auto flags = machine::words_of(machine::value_of(info, "flags"));
  Finding lanes{.area = kCpu, .check = "instructions", .found = ""};
  Finding clock{.area = kCpu, .check = "clock", .found = ""};
  if (flags.empty()) {
    lanes.status = clock.status = Status::unknown;
    lanes.found = clock.found = "the kernel lists no features of this CPU";
    return {lanes, clock};
  }
  const auto third = missing_of(kThird, flags);
  const std::string level = third.empty() ? "x86-64-v3" : "less than x86-64-v3";
  if (missing_of(kAvx512, flags).empty()) {
    lanes.found = level + "; sources are looked up with AVX-512";
  } else if (std::ranges::find(flags, "avx2") != flags.end()) {
    lanes.found = level + "; sources are looked up with AVX2";
  } else {
    lanes.status = kNeedsThird ? Status::fail : Status::warn;
    lanes.found =
        fmt::format("{} (no {}); sources are looked up one by one", level, fmt::join(third, ", "));
    lanes.why = kNeedsThird ? "these programs are built for x86-64-v3 and end with an illegal "
                              "instruction; a hypervisor may hide what the CPU has"
                            : "look-ups without vectors take longer; a hypervisor may hide what "
                              "the CPU has";
    lanes.fix = "let the guest see the CPU of its host: -cpu host, or cpu mode='host-passthrough'";
  }
  constexpr std::array<std::string_view, 2> kSteady = {"constant_tsc", "nonstop_tsc"};
  const auto unsteady = missing_of(kSteady, flags);
  const std::string source =
      patient.tree.line("/sys/devices/system/clocksource/clocksource0/current_clocksource")
          .value_or("unknown");
  clock.found = fmt::format("{}; the kernel's is {}",
                            unsteady.empty() ? "the time stamp counter runs evenly"
                                             : "the time stamp counter may change its rate",
                            source);
  if (!unsteady.empty()) {
    clock.status = Status::warn;
    clock.why = fmt::format("windows and time limits of detection drift (no {})",
                            fmt::join(unsteady, ", "));
    clock.fix = "let the guest see it: cpu feature invtsc policy='require'";
  }
  return {lanes, clock};
}

}  // namespace edgesentry::doctor
