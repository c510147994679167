// Two workers and the control thread with everything they share, without EAL or packets: probes
// handed over through rings to the worker that owns their source, alerts up, orders down, policies
// published meanwhile, tallies read by a third thread. Every probe is inspected once by its owner
// or refused and counted, and no worker reports a source that is not its own.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <latch>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "base/snapshot.h"
#include "plane/handover.h"
#include "scan/inspect.h"

namespace edgesentry {
namespace {

constexpr std::uint16_t kWorkers = 2;
constexpr std::uint64_t kProbes = 100'000;  // received by each worker
constexpr std::size_t kBurst = 32;
constexpr std::uint64_t kPolicies = 200;
constexpr scan::HashKey kKey{11, 22, 33, 44};

std::uint16_t owner_of(const base::Ip& source) {
  return static_cast<std::uint16_t>(scan::owner_hash(kKey, source, 64) % kWorkers);
}

std::unique_ptr<const scan::DetectionPolicy> make_policy(std::uint64_t generation) {
  auto policy = std::make_unique<scan::DetectionPolicy>();
  policy->enforce = true;
  policy->generation = generation;
  policy->watched_tcp.insert_range(1, 1023);
  const base::Prefix allowed(base::Ip::v4(0x0a000000), 24);
  policy->allow = base::CidrSet(std::span(&allowed, 1));
  return policy;
}

struct Shared {
  explicit Shared(std::uint32_t alerts_max) {
    for (std::uint16_t worker = 0; worker < kWorkers; ++worker) {
      auto alert_ring = base::make_ring<scan::Alert>(alerts_max);
      alert_writers[worker] = std::move(alert_ring.writer);
      alert_readers[worker] = std::move(alert_ring.reader);
      auto order_ring = base::make_ring<scan::Order>(64);
      order_writers[worker] = std::move(order_ring.writer);
      order_readers[worker] = std::move(order_ring.reader);
      auto ring = base::make_ring<plane::Handover>(128);
      to_peer[worker] = std::move(ring.writer);
      from_peer[1 - worker] = std::move(ring.reader);
    }
  }
  std::array<base::RingWriter<scan::Alert>, kWorkers> alert_writers;
  std::array<base::RingReader<scan::Alert>, kWorkers> alert_readers;
  std::array<base::RingWriter<scan::Order>, kWorkers> order_writers;
  std::array<base::RingReader<scan::Order>, kWorkers> order_readers;
  std::array<base::RingWriter<plane::Handover>, kWorkers> to_peer;
  std::array<base::RingReader<plane::Handover>, kWorkers> from_peer;
  std::array<scan::Tally, kWorkers> tallies;
  base::Published<scan::DetectionPolicy> policy{kWorkers, make_policy(0)};
  std::latch start{kWorkers + 1};
  // Release by a worker after its last push, acquire by its peer before it looks for the last time.
  std::array<std::atomic<bool>, kWorkers> has_sent_all{};
  std::atomic<int> running{kWorkers};
};

class Worker {
 public:
  Worker(std::uint16_t number, Shared& shared)
      : number_(number), shared_(shared), random_(number + 1u), memory_(room()) {}

  void run() {
    shared_.policy.join(number_);
    shared_.start.arrive_and_wait();
    for (std::uint64_t sent = 0; sent < kProbes; sent += kBurst) {
      receive();
      take_over();
      keep_house();
    }
    shared_.has_sent_all[number_].store(true, std::memory_order_release);
    bool was_last = false;
    while (!was_last) {
      was_last = shared_.has_sent_all[1 - number_].load(std::memory_order_acquire);
      while (take_over() > 0) keep_house();
      keep_house();
      std::this_thread::yield();
    }
    shared_.policy.leave(number_);
    shared_.running.fetch_sub(1, std::memory_order_release);
  }

 private:
  static std::size_t room() { return scan::Inspector::bytes_needed(settings(0)) + 64; }
  static scan::InspectorSettings settings(std::uint16_t number) {
    return {.worker = {number}, .sources = 1u << 12, .suspects = 256, .blocks = 1024, .key = kKey};
  }
  std::span<std::byte> aligned_memory() {
    void* start = memory_.data();
    std::size_t bytes = memory_.size();
    std::align(base::kCacheLine, bytes - base::kCacheLine, start, bytes);
    return {static_cast<std::byte*>(start), bytes};
  }

  // A few thousand sources that knock on watched ports of a few hosts: scanners, all of them. The
  // flags of a NULL scan need no answer to be judged.
  wire::Probe invent() {
    wire::Probe probe{};
    probe.outcome = wire::ParseOutcome::tcp;
    probe.protocol = 6;
    probe.tcp_flags = random_() % 2 == 0 ? wire::tcp_flag::kSyn : std::uint8_t{0};  // NULL scan
    probe.ttl = 60;
    probe.source = base::Ip::v4(0x0a000000 + random_() % 4096);
    probe.target = base::Ip::v4(0xc0000200 + random_() % 16);
    probe.source_port = static_cast<std::uint16_t>(1024 + random_() % 60'000);
    probe.target_port = static_cast<std::uint16_t>(1 + random_() % 1023);
    return probe;
  }

  void receive() {
    std::array<wire::Probe, kBurst> own;
    std::size_t count = 0;
    scan::Tally& tally = shared_.tallies[number_];
    for (std::size_t i = 0; i < kBurst; ++i) {
      const wire::Probe probe = invent();
      tally.received_packets.add(1);
      if (owner_of(probe.source) == number_)
        own[count++] = probe;
      else if (shared_.to_peer[number_].try_push({.probe = probe}))
        tally.handed_over.add(1);
      else
        tally.dropped_fault[static_cast<std::size_t>(scan::FaultDrop::handover_full)].add(1);
    }
    inspect(std::span(own).first(count));
  }

  std::size_t take_over() {
    std::array<plane::Handover, kBurst> items;
    const std::size_t count = shared_.from_peer[number_].pop_some(items);
    std::array<wire::Probe, kBurst> probes;
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(owner_of(items[i].probe.source), number_);
      probes[i] = items[i].probe;
    }
    shared_.tallies[number_].taken_over.add(count);
    inspect(std::span(probes).first(count));
    return count;
  }

  void inspect(std::span<const wire::Probe> probes) {
    const scan::DetectionPolicy& policy = shared_.policy.read();
    std::array<scan::Verdict, kBurst> verdicts;
    now_ = now_ + base::Micros{100};
    inspector_.inspect(probes, scan::Role::actor, now_, policy, verdicts, outbox_);
    scan::Tally& tally = shared_.tallies[number_];
    for (std::size_t i = 0; i < probes.size(); ++i) {
      if (verdicts[i] == scan::Verdict::drop)
        tally.dropped_verdict[0].add(1);
      else
        tally.forwarded_packets.add(1);
    }
    escalate();
  }

  void escalate() {
    for (const scan::Alert& alert : outbox_.alerts()) {
      if (shared_.alert_writers[number_].try_push(alert)) continue;
      inspector_.offer_again(alert);
      shared_.tallies[number_].alerts_refused.add(1);
    }
    outbox_.clear();
  }

  void keep_house() {
    const scan::DetectionPolicy& policy = shared_.policy.read();
    EXPECT_GE(policy.generation, generation_);
    generation_ = policy.generation;
    std::array<scan::Order, 8> orders;
    const std::size_t count = shared_.order_readers[number_].pop_some(orders);
    for (std::size_t i = 0; i < count; ++i) inspector_.apply(orders[i], policy);
    inspector_.tick(now_, policy, outbox_);
    escalate();
    shared_.policy.quiescent(number_);
  }

  std::uint16_t number_;
  Shared& shared_;
  std::mt19937 random_;
  std::vector<std::byte> memory_;
  scan::Inspector inspector_{settings(number_), aligned_memory(), shared_.tallies[number_]};
  scan::AlertOutbox outbox_;
  base::Micros now_ = base::seconds(1000);
  std::uint64_t generation_ = 0;
};

// Drains, lifts every second block again, publishes policies; returns how many alerts came.
std::uint64_t control(Shared& shared) {
  std::uint64_t alerts = 0;
  std::uint64_t generation = 0;
  std::array<scan::Alert, 16> burst;
  shared.start.arrive_and_wait();
  // acquire: the partner is the release of a worker that ends, after its last alert.
  for (bool is_over = false; !is_over;) {
    is_over = shared.running.load(std::memory_order_acquire) == 0;
    for (std::uint16_t worker = 0; worker < kWorkers; ++worker) {
      while (const std::size_t count = shared.alert_readers[worker].pop_some(burst)) {
        for (std::size_t i = 0; i < count; ++i, ++alerts) {
          EXPECT_EQ(owner_of(burst[i].source), worker);
          EXPECT_EQ(burst[i].worker.value, worker);
          if (alerts % 2 == 0)
            (void)shared.order_writers[worker].try_push(
                {.source = burst[i].source, .kind = scan::OrderKind::lift});
        }
      }
    }
    if (generation < kPolicies && shared.policy.reclaim() < 4)
      shared.policy.publish(make_policy(++generation));
    std::this_thread::yield();
  }
  EXPECT_GT(generation, 0u);
  return alerts;
}

void run_everything(std::uint32_t alerts_max) {
  auto shared = std::make_unique<Shared>(alerts_max);
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::thread> threads;
  for (std::uint16_t number = 0; number < kWorkers; ++number)
    workers.push_back(std::make_unique<Worker>(number, *shared));
  for (auto& worker : workers) threads.emplace_back([&worker] { worker->run(); });
  const std::uint64_t alerts = control(*shared);
  for (std::thread& thread : threads) thread.join();

  EXPECT_GT(alerts, 0u);
  EXPECT_EQ(shared->policy.reclaim(), 0u);
  std::uint64_t received = 0, ended = 0, handed = 0, taken = 0, dropped = 0;
  for (const scan::Tally& tally : shared->tallies) {
    received += tally.received_packets.value();
    ended += tally.forwarded_packets.value() + tally.dropped_verdict[0].value();
    for (const base::Counter& fault : tally.dropped_fault) ended += fault.value();
    handed += tally.handed_over.value();
    taken += tally.taken_over.value();
    dropped += tally.dropped_verdict[0].value();
  }
  EXPECT_EQ(received, (kProbes + kBurst - 1) / kBurst * kBurst * kWorkers);
  EXPECT_EQ(ended, received);
  EXPECT_EQ(handed, taken);
  EXPECT_GT(handed, 0u);
  EXPECT_GT(dropped, 0u);
}

TEST(HandoverStress, accounts_for_every_probe_to_the_packet) {
  run_everything(4096);
}
TEST(HandoverStress, accounts_for_every_probe_when_control_is_too_slow) {
  run_everything(1);
}

}  // namespace
}  // namespace edgesentry
