// The kernel's own run of a loaded program over a packet that nobody sends. Needs root.
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "xdp/drop_maps.h"

namespace edgesentry::test {

using Packet = std::vector<std::uint8_t>;

inline std::uint64_t kernel_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// XDP_DROP, XDP_PASS, or -1: it did not run.
inline int verdict(int program, const Packet& packet, unsigned repeat = 1) {
  std::array<std::uint8_t, 2048> out{};
  LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = packet.data(), .data_out = out.data(),
              .data_size_in = static_cast<std::uint32_t>(packet.size()),
              .data_size_out = out.size(), .repeat = static_cast<int>(repeat));
  return bpf_prog_test_run_opts(program, &run) == 0 ? static_cast<int>(run.retval) : -1;
}

}  // namespace edgesentry::test

#define EDGESENTRY_NEEDS_ROOT() \
  if (::geteuid() != 0) GTEST_SKIP() << "loading a BPF program needs root"
