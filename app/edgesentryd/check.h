// `edgesentryd --check`: what a start would say, refuse or do without, found by what the start
// itself uses and without its effects. It may run beside a live appliance. Called by main, once.
#pragma once

#include <functional>
#include <string>

#include "config/load.h"
#include "edgesentryd/privilege.h"
#include "nic/eal_plan.h"

namespace edgesentry::appliance {

struct CheckRequest {
  const config::Loaded& loaded;  // usable, and said
  const nic::EalPlan& plan;
  const Privilege& privilege;
  bool is_strict = false;  // a warning is a fault
  const std::function<void(const std::string&)>& say;
};

// The exit code; everything is said.
[[nodiscard]] int check_start(const CheckRequest& request);

}  // namespace edgesentry::appliance
