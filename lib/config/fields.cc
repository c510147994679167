#include "config/fields.h"

#include <array>

namespace edgesentry::config {
namespace {

template <auto Member>
auto& top(Config& config) {
  return config.*Member;
}
template <auto Section, auto Member>
auto& in(Config& config) {
  return config.*Section.*Member;
}

constexpr std::array<std::string_view, 2> kModes = {"observe", "enforce"};
constexpr std::array<std::string_view, 3> kPlacements = {"inline", "tap", "host"};
constexpr std::array<std::string_view, 2> kIdles = {"adaptive", "poll"};
constexpr std::array<std::string_view, 3> kHugepages = {"automatic", "required", "off"};

constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kPathMax = 4095;  // PATH_MAX without its zero, limits.h of Linux
// Contacts that the record of a suspect holds (scan/suspect.h): no detector counts further.
constexpr std::int64_t kContacts = 64;
constexpr std::int64_t kDeviceMax = 1023;  // a vdev with all its arguments

constexpr std::array kFields = {
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
              "traffic. Tap and host see copies and drop nothing themselves.",
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
          .help = "Cores for the workers, one each; empty: the first that this process may use.",
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
          .help = "Suspects kept with exact evidence by each worker.",
          .example = R"("32k")"},
    Field{.key = "table.blocks",
          .slot = &in<&Config::table, &Table::blocks>,
          .unit = "sources",
          .range = {64, 16'777'216},
          .restart = true,
          .help = "Sources that each worker can block at the same time.",
          .example = R"("1M")"},
    Field{.key = "table.ipv6_prefix",
          .slot = &in<&Config::table, &Table::ipv6_prefix>,
          .unit = "bits",
          .range = {32, 128},
          .restart = true,
          .help = "An IPv6 source is everybody in a prefix of this length.",
          .example = "56"},
    Field{
        .key = "detect.watched_tcp",
        .slot = &in<&Config::detect, &Detect::watched_tcp>,
        .help =
            "TCP ports that nobody has a reason to touch (PortSentry's TCP_PORTS); empty: no trap.",
        .example = R"("1,11,15,79,31337")"},
    Field{.key = "detect.watched_udp",
          .slot = &in<&Config::detect, &Detect::watched_udp>,
          .help = "The same for UDP (UDP_PORTS).",
          .example = R"("1,7,9,31335")"},
    Field{.key = "detect.scan_trigger",
          .slot = &in<&Config::detect, &Detect::scan_trigger>,
          .unit = "touches",
          .range = {0, 1000},
          .help = "Touches of watched ports before a source is a scanner (SCAN_TRIGGER); 0 and 1: "
                  "the first.",
          .example = "1"},
    Field{.key = "detect.abnormal",
          .slot = &in<&Config::detect, &Detect::abnormal>,
          .unit = "probes",
          .range = {1, kContacts},
          .help = "Distinct places probed with flags that no TCP sends (NULL, FIN, XMAS, ...).",
          .example = "3"},
    Field{.key = "detect.failures",
          .slot = &in<&Config::detect, &Detect::failures>,
          .unit = "steps",
          .range = {1, kContacts},
          .help = "Failed attempts above a source's best score (sequential test on outcomes).",
          .example = "5"},
    Field{.key = "detect.vertical_ports",
          .slot = &in<&Config::detect, &Detect::vertical_ports>,
          .unit = "ports",
          .range = {2, kContacts},
          .help = "Distinct unanswered ports of one target.",
          .example = "15"},
    Field{.key = "detect.horizontal_targets",
          .slot = &in<&Config::detect, &Detect::horizontal_targets>,
          .unit = "targets",
          .range = {2, kContacts},
          .help = "Distinct targets tried on one port.",
          .example = "15"},
    Field{.key = "detect.window",
          .slot = &in<&Config::detect, &Detect::window>,
          .range = {kSecond, 7 * kDay},
          .help = "Evidence older than this no longer counts.",
          .example = R"("1h")"},
    Field{.key = "detect.answer_timeout",
          .slot = &in<&Config::detect, &Detect::answer_timeout>,
          .range = {100, kMinute},
          .help = "An attempt without an answer for this long has failed.",
          .example = R"("4s")"},
    Field{.key = "networks.inside",
          .slot = &in<&Config::networks, &Networks::inside>,
          .help = "Protected networks; empty: any address may be source or target.",
          .example = R"(["192.0.2.0/24", "2001:db8::/32"])"},
    Field{.key = "block.ladder",
          .slot = &in<&Config::block, &Block::ladder>,
          .range = {kSecond, 366 * kDay},
          .help =
              "How long the first block of a source lasts, the second, ...; the last one repeats.",
          .example = R"(["10m", "1h", "24h", "7d"])"},
    Field{.key = "block.forget_after",
          .slot = &in<&Config::block, &Block::forget_after>,
          .range = {kMinute, 3660 * kDay},
          .help = "A source that was quiet this long starts at the first block again.",
          .example = R"("30d")"},
    Field{.key = "block.per_minute_max",
          .slot = &in<&Config::block, &Block::per_minute_max>,
          .unit = "blocks",
          .range = {1, 10'000'000},
          .help = "New blocks in a minute; sources above it are only reported, so that forged "
                  "floods harm "
                  "nobody.",
          .example = "6000"},
    Field{.key = "allow.file",
          .slot = &in<&Config::allow, &Allow::file>,
          .range = {0, kPathMax},
          .help = "File of addresses and networks, one a line (portsentry.ignore); relative to "
                  "this file; "
                  "empty: none.",
          .example = R"("edgesentry.ignore")"},
    Field{.key = "allow.networks",
          .slot = &in<&Config::allow, &Allow::networks>,
          .help = "Addresses and networks beside those of the file.",
          .example = R"(["198.51.100.7", "2001:db8:1::/48"])"},
    Field{.key = "allow.own_addresses",
          .slot = &in<&Config::allow, &Allow::own_addresses>,
          .help = "Never block the addresses of this machine.",
          .example = "true"},
    Field{.key = "allow.gateways",
          .slot = &in<&Config::allow, &Allow::gateways>,
          .help = "Never block the routers of this machine.",
          .example = "true"},
    Field{.key = "allow.resolvers",
          .slot = &in<&Config::allow, &Allow::resolvers>,
          .help = "Never block the name servers of this machine.",
          .example = "true"},
    Field{.key = "log.portsentry_file",
          .slot = &in<&Config::log, &Log::portsentry_file>,
          .range = {0, kPathMax},
          .restart = true,
          .help = "PortSentry 2.x history lines, for fail2ban and friends; empty: none.",
          .example = R"("/var/log/edgesentry/portsentry.log")"},
    Field{.key = "log.json_file",
          .slot = &in<&Config::log, &Log::json_file>,
          .range = {0, kPathMax},
          .restart = true,
          .help = "JSON lines with ECS field names; empty: none.",
          .example = R"("/var/log/edgesentry/events.json")"},
    Field{.key = "log.syslog",
          .slot = &in<&Config::log, &Log::syslog>,
          .restart = true,
          .help = "Also log to the local syslog.",
          .example = "false"},
    Field{.key = "log.lines_per_second_max",
          .slot = &in<&Config::log, &Log::lines_per_second_max>,
          .unit = "lines",
          .range = {1, 1'000'000},
          .restart = true,
          .help = "For each of the logs; what is left out is counted and said.",
          .example = "200"},
    Field{
        .key = "log.block_command",
        .slot = &in<&Config::log, &Log::block_command>,
        .range = {0, kPathMax},
        .restart = true,
        .help =
            "Program and arguments run for each new block, split at blanks, no shell; empty: none.",
        .example = R"("/usr/local/bin/on-block $TARGET$")"},
    Field{.key = "metrics.listen",
          .slot = &in<&Config::metrics, &Metrics::listen>,
          .range = {0, 21},
          .restart = true,
          .help = "IPv4 address and port of /metrics, plain HTTP; empty: none.",
          .example = R"("127.0.0.1:9465")"},
    Field{.key = "control.socket",
          .slot = &in<&Config::control, &Control::socket>,
          .range = {1, 107},
          .restart = true,
          .help = "Unix socket of the edgesentry command; its permissions are the access control.",
          .example = R"("/run/edgesentry/control.sock")"},
    Field{.key = "control.socket_group",
          .slot = &in<&Config::control, &Control::socket_group>,
          .range = {0, 31},
          .restart = true,
          .help = "Group that may use the socket; empty: its owner only.",
          .example = R"("adm")"},
    Field{.key = "control.alert_ring",
          .slot = &in<&Config::control, &Control::alert_ring>,
          .unit = "alerts",
          .range = {64, 1'048'576},
          .restart = true,
          .help = "Alerts waiting from each worker to control, rounded up to a power of two.",
          .example = "4096"},
    Field{.key = "control.order_ring",
          .slot = &in<&Config::control, &Control::order_ring>,
          .unit = "orders",
          .range = {64, 1'048'576},
          .restart = true,
          .help = "Orders waiting from control to each worker, rounded up to a power of two.",
          .example = "8192"},
};

}  // namespace

std::span<const Field> fields() {
  return kFields;
}

const Field* find_field(std::string_view key) {
  for (const Field& field : kFields)
    if (field.key == key) return &field;
  return nullptr;
}

}  // namespace edgesentry::config
