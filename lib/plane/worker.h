// The story of a packet: one worker, one lcore, run to completion (worker.cc tells it in order).
//
// Owner: the lcore that calls run(); nothing in here is shared but rings, counters and the
// published policy. It never waits: what finds no room is counted and freed. Received = forwarded +
// dropped by verdict + dropped by fault; what the appliance says itself (worker_answer.cc) is
// counted apart. With hand-over the worker that received a packet counts it as received, and the
// owner that finished it counts how it ended: the identity holds for the sum over workers, to the
// packet, once they have stopped and finish() has emptied the rings.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/ring.h"
#include "base/snapshot.h"
#include "config/config.h"
#include "nic/burst.h"
#include "nic/frame_room.h"
#include "payload/watch.h"
#include "plane/handover.h"
#include "plane/idle_pace.h"
#include "plane/stance.h"
#include "scan/alert.h"
#include "scan/detection_policy.h"
#include "scan/inspect.h"
#include "scan/order.h"
#include "scan/tally.h"
#include "verify/responder.h"

namespace edgesentry::plane {

// Drop reasons index the counters of scan::Tally.
constexpr std::size_t index_of(auto drop) {
  return static_cast<std::size_t>(drop);
}

// One port as a worker sees it. Every worker lists the same ports in the same order.
struct WorkerPort {
  std::uint16_t port = 0;
  std::uint16_t peer = 0;  // where its packets leave; unused for a tap
  nic::FrameRoom peer_room;
  bool has_queue = true;                // a NIC with fewer queues than workers leaves some without
  scan::Role role = scan::Role::actor;  // outside: actor, inside: answer
};

struct WorkerSettings {
  base::WorkerId id;
  std::uint16_t workers = 1;
  bool is_tap = false;
  bool nic_owns_ipv4 = false;  // the NIC brings each source to its worker (nic::Spread)
  bool nic_owns_ipv6 = false;
  config::Idle idle = config::Idle::adaptive;
  std::uint8_t ipv6_prefix = 64;  // fixed at start: all workers agree on who owns a source
};

struct WorkerLinks {
  std::vector<WorkerPort> ports;
  base::RingWriter<scan::Alert> alerts;
  base::RingReader<scan::Order> orders;
  HandoverEnds handover;
  // Of all workers, by their number; empty where payloads are left alone. A worker looks into
  // packets with its own, and asks of the others only where they follow a dialogue.
  std::span<const std::unique_ptr<payload::Watch>> watches;
  base::Published<scan::DetectionPolicy>& policy;
  scan::Tally& tally;
  base::TscClock clock;
  const Stance* stance = nullptr;  // nullptr: never any but the usual one
};

class Worker {
 public:
  // `tables` is what scan::Inspector::bytes_needed() asked for, zeroed.
  Worker(const WorkerSettings& settings, const scan::InspectorSettings& engine,
         std::span<std::byte> tables, WorkerLinks links);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Before run(), on any one thread.
  void block(std::span<const base::Ip> sources) noexcept;
  void run(const std::atomic<bool>& stop) noexcept;
  // After run() of every worker has returned, on any one thread: ends what was still on the way.
  void finish() noexcept;

 private:
  struct ProbeBatch {
    std::uint16_t count = 0;
    std::array<wire::Probe, nic::kBurst> probes;
    std::array<scan::Verdict, nic::kBurst> verdicts;
    std::array<rte_mbuf*, nic::kBurst> packets;  // to look into, or nullptr; not the batch's own

    void add(const wire::Probe& probe, rte_mbuf* packet) noexcept {
      probes[count] = probe;
      packets[count++] = packet;
    }
  };

  template <bool kTap, bool kHandOver>
  void tell(const std::atomic<bool>& stop) noexcept;

  void receive(const WorkerPort& port) noexcept;
  template <class Expect>
  void parse(Expect&& expect) noexcept;
  void hand_over(std::uint16_t port) noexcept;
  [[nodiscard]] bool is_one_way() const noexcept;
  template <bool kHandOver>
  void split_by_role() noexcept;
  template <bool kTap>
  std::uint32_t take_over() noexcept;
  template <bool kTap>
  void take_over_from(std::span<const Handover> items) noexcept;
  void inspect(scan::Role role) noexcept;
  void inspect(ProbeBatch& batch, scan::Role role) noexcept;
  void look_inside(scan::Role role) noexcept;
  void look_inside(ProbeBatch& batch, scan::Role role) noexcept;
  bool note(const wire::Probe& probe, scan::Role role, rte_mbuf* packet) noexcept;
  void escalate() noexcept;
  void forward(const WorkerPort& port) noexcept;
  void transmit(const WorkerPort& port, std::span<rte_mbuf*> leaving) noexcept;
  bool answer(std::uint16_t index) noexcept;
  void send_back(const WorkerPort& port, std::span<rte_mbuf*> replies) noexcept;
  void forward_long(const WorkerPort& port, rte_mbuf* packet) noexcept;
  void discard(std::span<rte_mbuf*> packets) noexcept;
  void refuse_all() noexcept;
  void pass_unowned(const WorkerPort& port, std::span<rte_mbuf*> packets) noexcept;
  void consume() noexcept;
  [[nodiscard]] bool is_house_due() const noexcept;
  std::uint32_t keep_house() noexcept;
  void take_stance(std::uint32_t stance) noexcept;
  void adopt_policy() noexcept;
  void stand_still_when_told() noexcept;
  void rest(std::uint32_t handled) noexcept;

  [[nodiscard]] std::span<const std::uint8_t> bytes_of(rte_mbuf* packet) noexcept;
  [[nodiscard]] std::uint16_t owner_of(const wire::Probe& probe, scan::Role role) const noexcept;
  bool push_copy(std::uint16_t owner, const wire::Probe& probe, scan::Role role,
                 rte_mbuf* packet) noexcept;
  [[nodiscard]] rte_mbuf* worth_a_look(std::uint16_t owner, const wire::Probe& probe,
                                       signature::Side side, rte_mbuf* packet) const noexcept;

  WorkerSettings settings_;
  WorkerLinks links_;
  scan::Tally& tally_;
  scan::HashKey key_;
  const Stance no_stance_;
  const Stance& asked_stance_;
  std::uint32_t stance_ = 0;
  const scan::DetectionPolicy* policy_ = nullptr;  // valid until the next quiescent state
  base::Micros now_;
  base::Micros last_tick_, last_anchor_;
  std::uint32_t rounds_ = 0;
  bool is_idle_ = false;
  bool is_mute_ = false;  // true: no packet of the burst has anything inside
  IdlePace pace_;
  nic::Burst burst_;
  ProbeBatch actors_, answers_;  // tap only
  scan::AlertOutbox outbox_;
  verify::Responder responder_;
  scan::Inspector inspector_;
  payload::Watch* watch_;                      // nullptr: payloads are left alone
  std::unique_ptr<std::uint8_t[]> scattered_;  // a packet of several buffers, put together
};

}  // namespace edgesentry::plane
