// enforce::FlowApi over rte_flow: "drop what comes from this source" on one port.
//
// Made by main after the port was opened, destroyed before it is closed. Calls by the control
// thread; where the driver's are not safe for several threads, rte_flow itself takes a lock. A rule
// is ETH / IPV4 or IPV6 with the source, COUNT where asked, DROP: it matches the outermost header
// of untagged frames, and on most NICs of tagged ones.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "enforce/flow_api.h"
#include "nic/port.h"

namespace edgesentry::nic {

class FlowDrop final : public enforce::FlowApi {
 public:
  struct Settings {
    std::uint32_t group = 0;
    std::uint32_t priority = 0;
    std::uint8_t ipv6_prefix = 64;
  };

  FlowDrop(const Port& port, Settings settings);
  ~FlowDrop() override;
  FlowDrop(const FlowDrop&) = delete;
  FlowDrop& operator=(const FlowDrop&) = delete;

  [[nodiscard]] std::string_view label() const noexcept override { return label_; }
  [[nodiscard]] base::Status validate(const base::Ip& source, bool is_counted) override;
  [[nodiscard]] Answer create(const base::Ip& source, bool is_counted) override;
  [[nodiscard]] Answer destroy(Rule rule) override;
  [[nodiscard]] Answer count(Rule rule) override;
  [[nodiscard]] Answer flush() override;
  [[nodiscard]] std::uint64_t losses() const noexcept override {
    return losses_.load(std::memory_order_relaxed);  // a count, nothing is published with it
  }

 private:
  const std::uint16_t port_;
  const std::string label_;
  const std::string driver_;
  const Settings settings_;
  std::atomic<std::uint64_t> losses_{0};
};

}  // namespace edgesentry::nic
