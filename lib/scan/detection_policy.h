// Everything the packet path needs to know of the configuration: immutable, published by the
// control thread through base::Published, read by workers. A reload publishes a new one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/cidr_set.h"
#include "base/port_set.h"
#include "base/units.h"
#include "scan/declared_services.h"
#include "scan/sequential_test.h"

namespace edgesentry::scan {

// Thresholds of the detectors; the numbers' sources stand in docs/detection.md.
struct Thresholds {
  std::uint32_t scan_trigger =
      2;                       // touches of watched ports, as PortSentry counts: 0 and 1 = first
  std::uint32_t abnormal = 3;  // distinct (target, port) probed with impossible flags
  SequentialTest sequential = sequential_test({});
  std::uint32_t vertical_ports = 15;      // distinct unanswered ports of one target, any outcome
  std::uint32_t horizontal_targets = 15;  // distinct targets of one port
  // fail2ban 1.0 bans at the fifth failure within ten minutes (jail.conf: maxretry, findtime),
  // sshguard 2.4 at the third attack within half an hour. One more than fail2ban: two connections
  // of three prompts each hold five mistakes and the login.
  std::uint32_t login_failures = 8;
  base::Micros login_window = base::seconds(600);
  base::Micros window = base::seconds(24 * 3600);  // evidence older than this no longer counts
  base::Micros answer_timeout = base::seconds(4);  // silence after this long is a failure
};

// Whether the source of a packet is where the packet says; docs/detection.md, "Proof of source".
enum class Verify : std::uint8_t {
  off,        // nobody asks
  passive,    // what a source does with a protected server's SYN-ACK is watched
  challenge,  // ... and the appliance answers probes that no live service would have taken
};

// How much of it a source must have shown before it is blocked. Without, it is contained: it loses
// what it sends to anything but live services.
enum class Proof : std::uint8_t {
  none,
  answer,  // it reset a SYN-ACK with the number that only its receiver knows: somebody lives there
  handshake,  // it acknowledged one with the right number
};

struct Verification {
  Verify mode = Verify::passive;
  Proof needed = Proof::none;
  base::PortSet deception_tcp;  // ports that the appliance plays itself where nothing lives
  std::string banner;           // what it says on them
  bool tarpit = false;          // ... or holds the client with a window of zero
  std::uint32_t replies_per_second = 10;            // to one source
  std::uint32_t replies_per_second_total = 10'000;  // of all workers together
};

// What both kinds of evidence amount to.
[[nodiscard]] constexpr bool is_enough(Proof needed, bool answers, bool proven) noexcept {
  return needed == Proof::none || proven || (needed == Proof::answer && answers);
}

struct DetectionPolicy {
  Thresholds thresholds;
  Verification verification;
  base::PortSet watched_tcp;
  base::PortSet watched_udp;
  base::CidrSet allow;   // allow list and never-ban set together: detected, never dropped
  base::CidrSet inside;  // protected networks; empty: any address may be source or target
  base::CidrSet dark;    // protected addresses where nobody lives
  DeclaredServices services;
  bool enforce = false;  // false: observe, nothing is dropped
  // False: blocks hold, and whoever is found is blocked when control says so.
  bool makes_blocks = true;
  // A source whose open attempts would make it a scanner, did they fail, waits with the next one.
  bool holds_bursts = false;
  std::uint8_t ipv6_prefix = 64;
  std::uint64_t generation = 0;  // of the configuration, for metrics and status
  // The same without new blocks of the workers, and without any: for when control cannot publish.
  // nullptr in themselves.
  std::shared_ptr<const DetectionPolicy> holding, open;

  [[nodiscard]] bool blocks_now() const noexcept { return enforce && makes_blocks; }
};

}  // namespace edgesentry::scan
