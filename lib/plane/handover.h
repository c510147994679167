// What one worker passes to another when the NIC gave it a packet whose source belongs to the
// other. By value through one ring per pair of workers: the probe travels along, so nothing is
// parsed twice.
//
// Ownership of the packet moves with the item; a ring that is full refuses and the packet is
// dropped and counted as a fault of the worker that received it. A tap passes probes, and a
// reference to the packet (its count of owners) only where its payload may be worth a look.
#pragma once

#include <cstdint>
#include <type_traits>
#include <vector>

#include "base/ring.h"
#include "base/units.h"
#include "scan/inspect.h"
#include "wire/probe.h"

struct rte_mbuf;

namespace edgesentry::plane {

struct Handover {
  wire::Probe probe;
  rte_mbuf* packet = nullptr;  // tap: nullptr where the probe alone crosses
  std::uint16_t port = 0;      // index into every worker's list of ports
  scan::Role role = scan::Role::actor;
};
static_assert(std::is_trivially_copyable_v<Handover>);
static_assert(sizeof(Handover) == 2 * base::kCacheLine, "two lines cross for each packet");

// One worker's ends, by the number of the other worker; its own place stays empty.
struct HandoverEnds {
  std::vector<base::RingWriter<Handover>> to;
  std::vector<base::RingReader<Handover>> from;
};

}  // namespace edgesentry::plane
