// The program that runs for each packet an interface receives, and drops it when its source stands
// in one of the maps and its time is not over. Whatever else comes, and whatever is too short to
// tell, passes.
//
// Pure: builds instructions, loads nothing. Reads the source of IPv4 and IPv6 behind Ethernet and
// up to two VLAN tags (802.1Q, 802.1ad). The offsets are constants, one copy of the code for each
// number of tags: pointer arithmetic with what a packet says needs CAP_PERFMON.
#pragma once

#include <cstdint>
#include <vector>

#include "xdp/assembler.h"

namespace edgesentry::xdp {

inline constexpr const char* kProgramName = "edgesentry_drop";  // 15 bytes, as long as may be

// Descriptors. v4: 4 bytes of address; v6: 16, host part cleared; both to the end of the block in
// nanoseconds of CLOCK_MONOTONIC, 0: for ever. bypass: one u32, not 0: everything passes. drops:
// one u64 a CPU, for v4 and v6.
struct MapDescriptors {
  int v4 = -1, v6 = -1, bypass = -1, drops = -1;
};

[[nodiscard]] std::vector<bpf_insn> drop_program(const MapDescriptors& maps,
                                                 std::uint8_t ipv6_prefix);

}  // namespace edgesentry::xdp
