#include "eal/rig.h"

#include <gtest/gtest.h>
#include <rte_eth_ring.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <algorithm>
#include <cstring>
#include <iterator>

namespace edgesentry::test {
namespace {

constexpr scan::HashKey kKey = {0x0123456789abcdef, 0xfedcba9876543210, 0x5555aaaa5555aaaa,
                                0x1122334455667788};

std::vector<std::uint32_t> worker_lcores() {
  std::vector<std::uint32_t> lcores;
  std::uint32_t lcore = 0;
  RTE_LCORE_FOREACH_WORKER(lcore) lcores.push_back(lcore);
  return lcores;
}

// DPDK keeps names of devices for good, so each rig has its own.
std::string unique_name(const std::string& base) {
  static int count = 0;
  return base + std::to_string(count++);
}

template <class T>
T taken(base::Result<T> result) {
  EDGESENTRY_CHECK(result.ok(), result.error().text.c_str());
  return std::move(result).value();
}

}  // namespace

bool eventually(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

scan::DetectionPolicy test_policy(bool enforce) {
  scan::DetectionPolicy policy;
  policy.enforce = enforce;
  const std::array inside = {*base::Prefix::parse("10.0.0.0/8")};
  policy.inside = base::CidrSet(inside);
  return policy;
}

Rig::Rig(const RigOptions& options)
    : options_(options),
      policy_(options.workers,
              std::make_unique<const scan::DetectionPolicy>(test_policy(options.enforce))) {
  pool_ = std::make_unique<nic::PacketPool>(taken(nic::PacketPool::make(
      options.packets, 2048 + nic::kHeadroom, unique_name("packets").c_str())));
  if (options.outside_device.empty())
    outside_ = make_wire("o");
  else
    outside_.device = options.outside_device;
  inside_ = make_wire("i");
  open(options);
}

void Rig::open(const RigOptions& options) {
  const auto port = [&](const Wire& wire, nic::Side side) {
    ports_.push_back(taken(nic::Port::open({.device = wire.device,
                                            .label = wire.device,
                                            .side = side,
                                            .workers = options.workers,
                                            .descriptors = 256},
                                           *pool_)));
  };
  port(outside_, options.is_tap ? nic::Side::tap : nic::Side::outside);
  if (!options.is_tap) port(inside_, nic::Side::inside);
  plane::PlaneSettings settings{.is_tap = options.is_tap,
                                .key = kKey,
                                .alert_ring = options.alert_ring,
                                .handover_ring = options.handover_ring,
                                .has_hugepages = rte_eal_has_hugepages() != 0,
                                .patterns = options.patterns,
                                .payload = options.payload};
  settings.workers.count = options.workers;
  settings.table.sources = 1u << 14;
  settings.table.suspects = 1u << 9;
  settings.table.blocks = 1u << 10;
  plane_ = taken(plane::Plane::build(settings, ports_, worker_lcores(), policy_));
  ends_ = plane_->take_control_ends();
}

Rig::~Rig() {
  plane_.reset();
  ports_.clear();
  for (Wire* wire : {&outside_, &inside_}) {
    (void)left(*wire);
    for (std::vector<rte_ring*>* rings : {&wire->arriving, &wire->leaving})
      for (rte_ring* ring : *rings) {
        void* packet = nullptr;
        while (rte_ring_dequeue(ring, &packet) == 0)
          rte_pktmbuf_free(static_cast<rte_mbuf*>(packet));
        rte_ring_free(ring);
      }
  }
}

Rig::Wire Rig::make_wire(const std::string& side) const {
  Wire wire;
  const std::string name = unique_name(side);
  const unsigned flags = RING_F_SP_ENQ | RING_F_SC_DEQ;
  const auto ring = [&](char direction, int queue, std::uint32_t capacity) {
    const std::string ring_name = name + direction + std::to_string(queue);
    rte_ring* made = rte_ring_create(ring_name.c_str(), capacity, 0, flags | RING_F_EXACT_SZ);
    EDGESENTRY_CHECK(made != nullptr, "a test has memory for its wires");
    return made;
  };
  for (std::uint16_t queue = 0; queue < options_.workers; ++queue) {
    wire.arriving.push_back(ring('r', queue, 4096));
    wire.leaving.push_back(ring('t', queue, options_.wire_capacity));
  }
  const int port = rte_eth_from_rings(name.c_str(), wire.arriving.data(), options_.workers,
                                      wire.leaving.data(), options_.workers, 0);
  EDGESENTRY_CHECK(port >= 0, "net_ring takes the rings of a test");
  wire.device = "net_ring_" + name;
  return wire;
}

void Rig::start() {
  const base::Status started = plane_->start();
  ASSERT_TRUE(started.ok()) << started.error().text;
}

void Rig::send(Wire& wire, const Bytes& frame, std::uint16_t queue) {
  rte_mbuf* packet = rte_pktmbuf_alloc(pool_->get());
  ASSERT_NE(packet, nullptr);
  std::memcpy(rte_pktmbuf_append(packet, static_cast<std::uint16_t>(frame.size())), frame.data(),
              frame.size());
  ASSERT_TRUE(eventually([&] { return rte_ring_enqueue(wire.arriving[queue], packet) == 0; }));
  ++sent_;
}

void Rig::send_outside_in_two(const Bytes& frame, std::size_t cut) {
  rte_mbuf* first = rte_pktmbuf_alloc(pool_->get());
  rte_mbuf* second = rte_pktmbuf_alloc(pool_->get());
  ASSERT_TRUE(first != nullptr && second != nullptr);
  std::memcpy(rte_pktmbuf_append(first, static_cast<std::uint16_t>(cut)), frame.data(), cut);
  std::memcpy(rte_pktmbuf_append(second, static_cast<std::uint16_t>(frame.size() - cut)),
              frame.data() + cut, frame.size() - cut);
  ASSERT_EQ(rte_pktmbuf_chain(first, second), 0);
  ASSERT_EQ(rte_ring_enqueue(outside_.arriving[0], first), 0);
  ++sent_;
}

std::vector<Bytes> Rig::left(Wire& wire) {
  std::vector<Bytes> frames;
  for (rte_ring* ring : wire.leaving) {
    void* taken_out = nullptr;
    while (rte_ring_dequeue(ring, &taken_out) == 0) {
      auto* packet = static_cast<rte_mbuf*>(taken_out);
      Bytes frame(rte_pktmbuf_pkt_len(packet));
      const void* bytes =
          rte_pktmbuf_read(packet, 0, static_cast<std::uint32_t>(frame.size()), frame.data());
      if (bytes != frame.data()) std::memcpy(frame.data(), bytes, frame.size());
      frames.push_back(std::move(frame));
      rte_pktmbuf_free(packet);
    }
  }
  return frames;
}

Totals Rig::totals() const {
  Totals sum;
  for (const scan::Tally* tally : plane_->tallies()) {
    sum.received += tally->received_packets.value();
    sum.forwarded += tally->forwarded_packets.value();
    sum.received_bytes += tally->received_bytes.value();
    sum.forwarded_bytes += tally->forwarded_bytes.value();
    sum.dropped_bytes += tally->dropped_bytes.value();
    sum.handed_over += tally->handed_over.value();
    sum.taken_over += tally->taken_over.value();
    for (const base::Counter& drop : tally->dropped_verdict) sum.dropped_verdict += drop.value();
    for (std::size_t i = 0; i < sum.faults.size(); ++i) {
      sum.faults[i] += tally->dropped_fault[i].value();
      sum.dropped_fault += tally->dropped_fault[i].value();
    }
    for (std::size_t i = 0; i < sum.parsed.size(); ++i) sum.parsed[i] += tally->parsed[i].value();
  }
  return sum;
}

bool Rig::settles() {
  return eventually([this] { return totals().ended() == sent_; });
}

void Rig::order(const scan::Order& order) {
  for (plane::ControlEnds& ends : ends_) ASSERT_TRUE(ends.orders.try_push(order));
}

std::vector<scan::Alert> Rig::alerts() {
  std::vector<scan::Alert> all;
  std::array<scan::Alert, 64> some;
  for (plane::ControlEnds& ends : ends_)
    for (std::size_t count = 1; count > 0;) {
      count = ends.alerts.pop_some(some);
      std::copy_if(some.begin(), some.begin() + static_cast<std::ptrdiff_t>(count),
                   std::back_inserter(all),
                   [](const scan::Alert& a) { return a.kind != scan::AlertKind::clue; });
    }
  return all;
}

}  // namespace edgesentry::test
