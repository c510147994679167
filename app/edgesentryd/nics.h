// EAL, the packet pool and the ports of all segments: opened together, closed in reverse order.
// Owned by main.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "control/machine_facts.h"
#include "enforce/flow_api.h"
#include "nic/eal.h"
#include "nic/packet_pool.h"
#include "nic/port.h"

namespace edgesentry::appliance {

class Nics {
 public:
  // What this machine lacks for the configuration, without starting anything.
  static base::Result<nic::EalPlan> plan(const config::Config& config,
                                         const std::vector<std::string>& eal_arguments);
  static base::Result<std::unique_ptr<Nics>> open(const config::Config& config,
                                                  const nic::EalPlan& plan);

  [[nodiscard]] const std::vector<nic::Port>& ports() const noexcept { return ports_; }
  // The ports whose NIC may drop what blocked sources send: the outside ones, where configured.
  [[nodiscard]] std::vector<std::unique_ptr<enforce::FlowApi>> flows(
      const config::Config& config) const;
  // What the ports could not have as configured, a sentence each.
  [[nodiscard]] std::vector<std::string> notes() const;
  // For `status`.
  [[nodiscard]] control::MachineFacts facts() const;
  [[nodiscard]] const nic::PacketPool& pool() const noexcept { return *pool_; }
  [[nodiscard]] nic::Eal& eal() const noexcept { return *eal_; }

 private:
  Nics() = default;
  std::unique_ptr<nic::Eal> eal_;
  std::unique_ptr<nic::PacketPool> pool_;
  std::vector<nic::Port> ports_;
  bool has_hugepages_ = false;
};

}  // namespace edgesentry::appliance
