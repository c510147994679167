// The typed tree that edgesentry.toml becomes. Plain values, filled by load(), read by main and the
// control thread; code below main receives the sub-struct it needs, never the whole.
//
// One table (fields.h) names every key with type, unit, range, default, reload rule and help; the
// parser, `edgesentry check`, --help and docs/configuration.md all read that table.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/port_set.h"
#include "base/result.h"

namespace edgesentry::config {

enum class Mode { observe, enforce };         // log what would be blocked, or block it
enum class Placement { inline_, tap, host };  // TOML: "inline", "tap", "host"
enum class Idle { adaptive, poll };           // sleep when nothing comes, or always spin
enum class Hugepages { automatic, required, off };
enum class VerifyMode { off, passive, challenge };           // is a source where its packets say
enum class Nftables { automatic, off, inet, netdev, both };  // where the kernel drops for us
enum class Seccomp { automatic, log, off };
enum class Landlock { automatic, off };
enum class RteFlow { automatic, on, off };  // drop rules in the NIC
enum class Xdp { automatic, on, off };      // drop before the kernel makes a packet of it
enum class AtStop { remove, keep };         // what becomes of its rules then
enum class NeededProof { automatic, none, answer, handshake };
// What is done when something fails: docs/failure.md.
enum class TableFull { shed, contain, open };
enum class RingFull { shed, open };
enum class NoBuffers { shed, ignore };
enum class RulesFull { shed, open };
enum class ControlStalled { shed, open, closed, restart };
enum class WorkerStalled { restart, open, ignore };
enum class DiskFull { shed, open };
enum class LinkDown { ignore, propagate };

// One pair of ports (inline), or one receive-only port (tap and host: `inside` is empty).
// A device is a DPDK vdev ("net_af_packet0,iface=eth1,qpairs=2"), a PCI address, or a kernel
// interface name, which means net_af_packet on it.
struct Segment {
  std::string name;
  std::string outside;
  std::string inside;
};

struct Dpdk {
  std::vector<std::string> eal_args;  // appended to what the rest of the config implies
  Hugepages hugepages = Hugepages::automatic;
  std::uint32_t memory_mb = 512;
  std::string file_prefix = "edgesentry";
};

struct Workers {
  std::uint16_t count = 1;
  Idle idle = Idle::adaptive;
  std::vector<std::uint16_t> cores;  // empty: machine/placement.h chooses
  std::uint16_t queue_descriptors = 1024;
  std::uint32_t mbufs = 16384;
};

struct Table {
  std::uint32_t sources = 1u << 20;        // per worker
  std::uint32_t suspects = 1u << 13;       // per worker
  std::uint32_t slow_suspects = 1u << 15;  // per worker
  std::uint32_t blocks = 1u << 16;         // per worker
  std::uint8_t ipv6_prefix = 64;
};

struct Detect {
  base::PortSet watched_tcp, watched_udp;  // PortSentry's TCP_PORTS and UDP_PORTS
  std::uint32_t scan_trigger = 2;
  std::uint32_t abnormal = 3;
  double false_positive = 1e-3;  // of the sequential test, see scan/sequential_test.h
  double detection = 0.99;
  double benign_success = 0.8;
  double scanner_success = 0.2;
  std::uint32_t vertical_ports = 15;
  std::uint32_t horizontal_targets = 15;
  std::chrono::seconds window{24 * 3600};
  std::chrono::milliseconds answer_timeout{4000};
  std::uint32_t login_failures = 8;
  std::chrono::seconds login_window{600};
};

// What is said inside the packets.
struct Payload {
  bool enabled = true;
  std::string patterns;                                // empty: the file beside the program
  std::uint32_t bytes_per_second = 32u * 1024 * 1024;  // looked at by each worker
  std::string cache = "/var/cache/edgesentry";         // folder; empty: nothing is kept
};

enum class Transport { tcp, udp, sctp };

// "192.0.2.10 tcp 80,443"
struct Service {
  base::Prefix where;
  Transport transport = Transport::tcp;
  base::PortSet ports;

  static base::Result<Service> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const Service&, const Service&) = default;
};

struct Networks {
  std::vector<base::Prefix> inside;  // protected networks
  std::vector<base::Prefix> dark;    // those of their addresses where nobody lives
  std::vector<Service> services;     // of protected hosts, known before they answer
};

// Proof of source; docs/detection.md. Where nothing can be sent (tap, host) challenge means
// passive.
struct Verify {
  VerifyMode mode = VerifyMode::challenge;
  NeededProof proof = NeededProof::automatic;  // answer where the appliance challenges, else none
  base::PortSet deception_tcp;
  std::string banner;  // PortSentry's PORT_BANNER
  bool tarpit = false;
  std::uint32_t replies_per_second = 10;            // to one source
  std::uint32_t replies_per_second_total = 10'000;  // all workers together
};

struct Block {
  // First block, second, ...; the last one repeats.
  std::vector<std::chrono::seconds> ladder{std::chrono::minutes{10}, std::chrono::hours{1},
                                           std::chrono::hours{24}, std::chrono::hours{7 * 24}};
  std::chrono::seconds forget_after{7 * 24 * 3600};  // a source this long quiet starts anew
  std::uint32_t per_minute_max = 6000;  // new blocks; above it sources are only reported
  bool hold_bursts = true;
};

struct Allow {
  std::string file;  // portsentry.ignore syntax; re-read on reload and on change
  std::vector<base::Prefix> networks;
  bool own_addresses = true;  // the computed never-ban set: this machine's addresses,
  bool gateways = true;       // ... its routers,
  bool resolvers = true;      // ... and name servers
};

// Beside the workers' own verdict: what else keeps blocked sources out.
struct Enforce {
  Nftables nftables = Nftables::automatic;  // inet where the placement is host, else off
  std::vector<std::string> nftables_devices;
  Xdp xdp = Xdp::automatic;              // where the placement is host and the driver can, else off
  std::vector<std::string> xdp_devices;  // empty: the segments' own kernel interfaces
  RteFlow rte_flow = RteFlow::automatic;
  std::uint32_t rte_flow_group = 0;
  std::uint32_t rte_flow_priority = 0;
  std::uint32_t rte_flow_rules_max = 0;  // 0: what the NIC takes
  AtStop at_stop = AtStop::remove;
};

struct Failure {
  TableFull table_full = TableFull::shed;
  RingFull ring_full = RingFull::shed;
  NoBuffers no_buffers = NoBuffers::shed;
  RulesFull rules_full = RulesFull::shed;
  ControlStalled control_stalled = ControlStalled::shed;
  WorkerStalled worker_stalled = WorkerStalled::ignore;
  DiskFull disk_full = DiskFull::shed;
  LinkDown link_down = LinkDown::ignore;
  std::chrono::milliseconds stalled_after{2000};
  std::chrono::milliseconds restart_after{10'000};
  std::chrono::milliseconds stop_within{10'000};
};

struct Log {
  std::string portsentry_file;  // PortSentry 2.x history lines; empty: off
  std::string json_file;        // ECS JSON lines; empty: off
  bool syslog = true;
  std::uint32_t lines_per_second_max = 200;  // per sink; what is left out is counted and said
  std::string block_command;                 // run for each new block, argument vector; empty: none
};

struct State {
  std::string file = "/var/lib/edgesentry/state.db";  // empty: blocks end with the process
  std::uint32_t events_mb = 256;                      // of the file of events beside it; 0: none
  std::chrono::seconds events_for{90 * 24 * 3600};
};

struct Metrics {
  std::string listen = "127.0.0.1:9465";  // empty: off. IPv4 only, see docs/configuration.md
};

// The HTTP API; docs/api.md.
struct Api {
  std::string listen;  // "127.0.0.1:9466", "[::1]:9466"; empty: off, no port opens unasked
  std::string token_file = "/var/lib/edgesentry/api.token";
  std::string read_token_file;           // empty: there is no token that may only look
  std::string tls_certificate, tls_key;  // PEM; both or neither
  std::uint32_t connections_max = 256;   // of everybody
  std::uint32_t connections_per_client = 64;
  std::uint32_t requests_per_second = 50;  // of one client
  std::uint32_t body_max = 1u << 20;
  std::chrono::seconds timeout{10};  // to send a request whole, and between two
  std::uint32_t streams_max = 16;    // of live events
};

struct Control {
  std::string socket = "/run/edgesentry/control.sock";
  std::string socket_group;  // group that may use the socket; empty: owner only
  std::uint32_t alert_ring = 4096;
  std::uint32_t order_ring = 8192;
};

// What the process may still do once everything is open; docs/security.md.
struct Privilege {
  std::string user = "automatic";  // name or number; empty: whoever has started it
  std::string group;               // empty: the user's own
  std::string command_user = "automatic";
  std::vector<std::string> capabilities;  // kept beside those that the rest of the file needs
  Seccomp seccomp = Seccomp::automatic;
  Landlock landlock = Landlock::automatic;
  bool core_dumps = false;
};

struct Config {
  Mode mode = Mode::observe;
  Placement placement = Placement::inline_;
  std::vector<Segment> segments;
  Dpdk dpdk;
  Workers workers;
  Table table;
  Detect detect;
  Payload payload;
  Networks networks;
  Verify verify;
  Block block;
  Allow allow;
  Enforce enforce;
  Failure failure;
  Log log;
  State state;
  Metrics metrics;
  Control control;
  Api api;
  Privilege privilege;
  std::string path;  // the file this came from, for messages
};

}  // namespace edgesentry::config
