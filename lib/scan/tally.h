// One worker's numbers. The worker writes, anybody reads (base::Counter); cache-line aligned so
// that workers share nothing. Identity, always: received + taken over = forwarded + dropped by
// verdict + dropped by fault + handed over; over all workers what is handed and taken cancels out.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/counter.h"
#include "base/units.h"
#include "scan/names.h"
#include "scan/reply.h"
#include "scan/tool.h"
#include "wire/probe.h"

namespace edgesentry::scan {

enum class VerdictDrop : std::uint8_t {
  blocked,   // the source is blocked
  held,      // unproven source, no live service
  answered,  // the same, and the appliance answered in the target's place
};
inline constexpr std::array<std::string_view, 3> kVerdictDropNames = {"blocked", "held",
                                                                      "answered"};

// Packets that could not go on for reasons that have nothing to do with who sent them. `consumed`
// is how a tap ends every packet: looked at, then freed.
enum class FaultDrop : std::uint8_t {
  transmit_full,  // the other port's queue had no room
  handover_full,  // the owning worker's ring had no room
  no_peer,        // no port to forward to
  consumed,       // tap and host mode: receive only
  too_long,       // longer than the other port's MTU, and not to be cut into fragments
  closed,         // nothing passes while control stands still: failure.control_stalled = "closed"
};
inline constexpr std::array<std::string_view, 6> kFaultDropNames = {
    "transmit_full", "handover_full", "no_peer", "consumed", "too_long", "closed"};

struct alignas(base::kCacheLine) Tally {
  base::Counter received_packets, received_bytes;
  base::Counter forwarded_packets, forwarded_bytes;
  std::array<base::Counter, kVerdictDropNames.size()> dropped_verdict;
  std::array<base::Counter, kFaultDropNames.size()> dropped_fault;
  base::Counter dropped_bytes;
  // Made by the appliance itself in the place of targets: no part of the identity above.
  std::array<base::Counter, kReplyNames.size()> replies;
  std::array<base::Counter, kReplyRefusalNames.size()> replies_refused;
  base::Counter reply_bytes;
  std::array<base::Counter, wire::kParseOutcomes> parsed;
  // scan table
  base::Counter sources;           // gauge: tier-1 entries in use
  base::Counter sources_added;     // new sources admitted
  base::Counter evictions;         // tier-1 entries replaced while still fresh
  base::Counter suspects;          // gauge: tier-2 records in use
  base::Counter slow_suspects;     // gauge: what is left of suspects that made room
  base::Counter suspects_refused;  // tier 2 was full of better evidence
  base::Counter blocked_sources;   // gauge: sources this worker drops
  // detection
  std::array<std::array<base::Counter, kTechniqueNames.size()>, kShapeNames.size()> alerts;
  std::array<base::Counter, kToolNames.size()> tools;  // decisions, by the tool that was named
  base::Counter alerts_refused;  // the ring to control was full; offered again later
  base::Counter clues;           // failed contacts told to control, for what crowds do together
  base::Counter clues_refused;   // past the budget of clues, or no room; not offered again
  base::Counter alerts_allowed;  // detected but on the allow list
  base::Counter wrong_numbers;   // guesses, or what was not meant: see kGuessesMax
  base::Counter trials;          // attempts of contained sources that were let through
  // hand-over between workers
  base::Counter handed_over, taken_over;
  // life of the worker
  base::Counter bursts, empty_polls, sleeps;
  base::Counter heartbeat;  // microseconds, when it last did housekeeping
  base::Counter policy_generation;
};

}  // namespace edgesentry::scan
