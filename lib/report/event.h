// What happened, ready to be printed by any sink (PortSentry lines, syslog, ECS JSON). Made by the
// control thread and by replay, handed by value to the sinks' thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/ip.h"
#include "scan/alert.h"

namespace edgesentry::report {

using WallTime = std::chrono::system_clock::time_point;

// event.action of the JSON lines: "scan-detected", "scan-grew", "source-blocked",
// "source-would-be-blocked", "block-expired", "source-unblocked", "port-touched", "appliance"; and
// "source-reported" for a block that drops no packet, "service-start" and "service-stop".
enum class Action : std::uint8_t {
  scan_detected,
  scan_grew,
  source_blocked,  // enforce mode, and replay's decision
  would_block,     // observe mode
  block_expired,
  source_unblocked,  // by an operator, or because the block was found to be wrong
  port_touched,      // a watched port below the trigger
  appliance,         // start, stop, reload, degraded: text only
};

// What keeps a blocked source's packets out.
enum class Enforcement : std::uint8_t {
  packets,  // inline: the workers drop them
  command,  // a tap or a host: the operator's log.block_command, and nothing here
  none,     // a tap or a host without one: the source is only reported
};

// Which turn of its life an event of the appliance tells of.
enum class Life : std::uint8_t { other, start, stop };

struct Event {
  Action action = Action::appliance;
  WallTime time;
  base::Prefix source;               // /32, or the IPv6 prefix that counts as one source
  std::optional<scan::Alert> alert;  // the evidence, where a detector is behind the event
  std::string text;                  // one sentence for people
  std::chrono::seconds block_for{0};
  std::uint32_t offence = 0;     // which offence of the source it is: 1 is the first, 0 none
  std::uint32_t stands_for = 1;  // how many like it were coalesced into this one
  bool ignored = false;          // on the allow list
  bool already_blocked = false;
  bool block_failed = false;  // a block was due and could not be made
  Enforcement enforcement = Enforcement::packets;
  Life life = Life::other;  // with Action::appliance
};

}  // namespace edgesentry::report
