// What is known of a place before anything is sent there: the oracle of the sequential test. An
// attempt on a live service that fails is an outage; one into dark space has failed when it is sent
// (a honeypot contact of Zeek's TRW).
#pragma once

#include "scan/detection_policy.h"
#include "scan/service_map.h"

namespace edgesentry::scan {

// Declared or learned.
[[nodiscard]] inline bool is_live(const DetectionPolicy& policy, const ServiceMap& learned,
                                  const base::Ip& target, const Touch& touch) noexcept {
  return policy.services.contains(target, touch.port, touch.port_class) ||
         learned.is_live(wire::fold(target), touch.port, touch.port_class);
}

// True for attempts only: dark space receives the answers to packets that others forged in its
// name.
[[nodiscard]] inline bool is_in_the_dark(const DetectionPolicy& policy, const base::Ip& target,
                                         const Touch& touch) noexcept {
  return touch.kind == TouchKind::attempt && !policy.dark.empty() && policy.dark.contains(target) &&
         !policy.services.contains(target, touch.port, touch.port_class);
}

}  // namespace edgesentry::scan
