// A segment whose two ports are memory (net_ring): tests put frames on the outside and inside wires
// and read what leaves, while real workers run on their lcores.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/snapshot.h"
#include "nic/packet_pool.h"
#include "nic/port.h"
#include "plane/plane.h"
#include "scan/detection_policy.h"
#include "support/packet_builder.h"

struct rte_ring;

namespace edgesentry::test {

// True as soon as `holds` does; false after ten seconds. For waiting on another thread.
bool eventually(const std::function<bool()>& holds);

struct RigOptions {
  std::uint16_t workers = 1;
  bool is_tap = false;
  bool enforce = true;
  std::uint32_t wire_capacity = 4096;  // frames that fit on an outgoing wire
  std::uint32_t packets = 4095 + 4096;
  std::uint32_t handover_ring = nic::kHandoverRing;
  std::uint32_t alert_ring = 4096;
  std::string outside_device;  // empty: memory
  std::shared_ptr<const signature::Database> patterns;
  signature::MatcherLimits payload;
};

struct Totals {
  std::uint64_t received = 0, forwarded = 0, dropped_verdict = 0, dropped_fault = 0;
  std::uint64_t received_bytes = 0, forwarded_bytes = 0, dropped_bytes = 0;
  std::uint64_t handed_over = 0, taken_over = 0;
  std::array<std::uint64_t, scan::kFaultDropNames.size()> faults{};
  std::array<std::uint64_t, wire::kParseOutcomes> parsed{};

  [[nodiscard]] std::uint64_t ended() const { return forwarded + dropped_verdict + dropped_fault; }
};

class Rig {
 public:
  explicit Rig(const RigOptions& options = {});
  ~Rig();
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  void start();
  void stop() { plane_->stop(); }

  void send_outside(const Bytes& frame, std::uint16_t queue = 0) { send(outside_, frame, queue); }
  void send_inside(const Bytes& frame, std::uint16_t queue = 0) { send(inside_, frame, queue); }
  // As the driver of a NIC may deliver it: in two buffers, cut at `cut`.
  void send_outside_in_two(const Bytes& frame, std::size_t cut);
  // Frames that have left by a wire since the last call, queue after queue.
  std::vector<Bytes> left_inside() { return left(inside_); }
  std::vector<Bytes> left_outside() { return left(outside_); }

  [[nodiscard]] Totals totals() const;
  // Everything sent so far has ended one way or another.
  [[nodiscard]] bool settles();
  void order(const scan::Order& order);
  std::vector<scan::Alert> alerts();  // all but clues

  [[nodiscard]] nic::PacketPool& pool() { return *pool_; }
  [[nodiscard]] plane::Plane& plane() { return *plane_; }
  [[nodiscard]] base::Published<scan::DetectionPolicy>& policy() { return policy_; }

 private:
  struct Wire {
    std::string device;
    std::vector<rte_ring*> arriving, leaving;
  };
  Wire make_wire(const std::string& name) const;
  void open(const RigOptions& options);
  void send(Wire& wire, const Bytes& frame, std::uint16_t queue);
  static std::vector<Bytes> left(Wire& wire);

  RigOptions options_;
  std::uint64_t sent_ = 0;
  Wire outside_, inside_;
  std::unique_ptr<nic::PacketPool> pool_;
  std::vector<nic::Port> ports_;
  base::Published<scan::DetectionPolicy> policy_;
  std::unique_ptr<plane::Plane> plane_;
  std::vector<plane::ControlEnds> ends_;
};

// Defaults of the appliance with a trap on nothing, so that only the outcome detectors decide.
[[nodiscard]] scan::DetectionPolicy test_policy(bool enforce);

}  // namespace edgesentry::test
