// Keys of the place, the wires, DPDK, the workers and their tables. Private to config; fields.cc
// puts the parts together.
#pragma once

#include "config/field_slots.h"

namespace edgesentry::config {

inline constexpr std::int64_t kDeviceMax = 1023;  // a vdev with all its arguments
inline constexpr std::array<std::string_view, 2> kModes = {"observe", "enforce"};
inline constexpr std::array<std::string_view, 3> kPlacements = {"inline", "tap", "host"};
inline constexpr std::array<std::string_view, 2> kIdles = {"adaptive", "poll"};
inline constexpr std::array<std::string_view, 3> kHugepages = {"automatic", "required", "off"};

inline constexpr std::array kMachineFields = {
    Field{.key = "mode",
          .slot = &top<&Config::mode>,
          .help = "observe: log what would be blocked; enforce: block it.",
          .example = R"("enforce")",
          .words = kModes},
    Field{.key = "placement",
          .slot = &top<&Config::placement>,
          .restart = true,
          .help =
              "inline: a bump in the wire that drops; tap: a mirror port; host: this machine's own "
              "traffic. Tap and host see copies; what drops there is enforce.nftables.",
          .example = R"("inline")",
          .words = kPlacements},
    Field{.key = "segment.name",
          .slot = &Segment::name,
          .range = {1, 31},
          .restart = true,
          .help = "What logs and metrics call this wire; must be unique.",
          .example = R"("uplink")"},
    Field{.key = "segment.outside",
          .slot = &Segment::outside,
          .range = {1, kDeviceMax},
          .restart = true,
          .help = "Device towards the Internet: a kernel interface, a PCI address or a DPDK vdev.",
          .example = R"("eth1")"},
    Field{.key = "segment.inside",
          .slot = &Segment::inside,
          .range = {1, kDeviceMax},
          .restart = true,
          .help = "Device towards the protected servers; only, and always, when inline.",
          .example = R"("net_af_packet1,iface=eth2,qpairs=2")"},
    Field{.key = "dpdk.eal_args",
          .slot = &in<&Config::dpdk, &Dpdk::eal_args>,
          .range = {0, kPathMax},
          .restart = true,
          .help = "More EAL arguments, added to what the rest of this file implies.",
          .example = R"(["--log-level=lib.eal:8"])"},
    Field{.key = "dpdk.hugepages",
          .slot = &in<&Config::dpdk, &Dpdk::hugepages>,
          .restart = true,
          .help =
              "automatic: use them when there are enough; required: refuse to start without; off: "
              "ordinary memory.",
          .example = R"("required")",
          .words = kHugepages},
    Field{.key = "dpdk.memory_mb",
          .slot = &in<&Config::dpdk, &Dpdk::memory_mb>,
          .unit = "MiB",
          .range = {64, 1'048'576},
          .restart = true,
          .help = "Memory that DPDK reserves at start; more is asked for when packets and tables "
                  "need it.",
          .example = "2048"},
    Field{
        .key = "dpdk.file_prefix",
        .slot = &in<&Config::dpdk, &Dpdk::file_prefix>,
        .range = {1, 31},
        .restart = true,
        .help = "Name that keeps two DPDK programs on one machine apart: letters, digits, - and _.",
        .example = R"("edgesentry")"},
    Field{.key = "workers.count",
          .slot = &in<&Config::workers, &Workers::count>,
          .unit = "workers",
          .range = {1, 64},
          .restart = true,
          .help = "Threads that look at packets; each takes a core and a queue of every device.",
          .example = "4"},
    Field{
        .key = "workers.idle",
        .slot = &in<&Config::workers, &Workers::idle>,
        .restart = true,
        .help =
            "adaptive: sleep while nothing comes; poll: always spin, lowest latency, 100 % of each "
            "core.",
        .example = R"("poll")",
        .words = kIdles},
    Field{.key = "workers.cores",
          .slot = &in<&Config::workers, &Workers::cores>,
          .unit = "core",
          .range = {0, 1023},
          .restart = true,
          .help = "CPUs for the workers, taken as they stand: worker i runs on the i-th and polls "
                  "queue i of every device. Empty: chosen, isolated ones first, then whole cores, "
                  "on the NUMA node of the devices; one is left for all else if there are enough.",
          .example = "[2, 3, 4, 5]"},
    Field{.key = "workers.queue_descriptors",
          .slot = &in<&Config::workers, &Workers::queue_descriptors>,
          .unit = "packets",
          .range = {64, 32'768},
          .restart = true,
          .help = "Length of each receive and transmit queue, as near as the device allows.",
          .example = "2048"},
    Field{
        .key = "workers.mbufs",
        .slot = &in<&Config::workers, &Workers::mbufs>,
        .unit = "packets",
        .range = {1024, 16'777'216},
        .restart = true,
        .help = "Packet buffers of the whole appliance; more are taken when the queues need them.",
        .example = "65536"},
    Field{.key = "table.sources",
          .slot = &in<&Config::table, &Table::sources>,
          .unit = "sources",
          .range = {1024, 268'435'456},
          .restart = true,
          .help = "Sources remembered by each worker, 16 bytes each, rounded up to a power of two.",
          .example = R"("16M")"},
    Field{.key = "table.suspects",
          .slot = &in<&Config::table, &Table::suspects>,
          .unit = "sources",
          .range = {64, 65'535},
          .restart = true,
          .help = "Suspects kept with exact evidence by each worker, about 2 KiB each.",
          .example = R"("32k")"},
    Field{.key = "table.slow_suspects",
          .slot = &in<&Config::table, &Table::slow_suspects>,
          .unit = "sources",
          .range = {64, 16'777'216},
          .restart = true,
          .help = "Suspects that made room for others and are known again when they come back, 66 "
                  "bytes each, rounded up to a power of two: scanners that wait for minutes "
                  "between two probes.",
          .example = R"("256k")"},
    Field{.key = "table.blocks",
          .slot = &in<&Config::table, &Table::blocks>,
          .unit = "sources",
          .range = {64, 16'777'216},
          .restart = true,
          .help = "Sources that each worker can block at the same time, 48 bytes each.",
          .example = R"("1M")"},
    Field{.key = "table.ipv6_prefix",
          .slot = &in<&Config::table, &Table::ipv6_prefix>,
          .unit = "bits",
          .range = {32, 128},
          .restart = true,
          .help = "An IPv6 source is everybody in a prefix of this length.",
          .example = "56"},
};

}  // namespace edgesentry::config
