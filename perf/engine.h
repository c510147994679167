// An Inspector over its own huge memory, with the policy that the benchmarks share.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "huge_memory.h"
#include "scan/inspect.h"

namespace edgesentry::perf {

inline scan::DetectionPolicy make_policy(bool enforce) {
  scan::DetectionPolicy policy;
  auto tcp = base::PortSet::parse("1,7,9,11,15,21-23,79,111,119,135,139,445,512-515,1433,3389");
  auto udp = base::PortSet::parse("1,7,9,69,161,513,640,700,32770-32774");
  EDGESENTRY_CHECK(tcp.ok() && udp.ok(), "the port lists are right");
  policy.watched_tcp = tcp.value();
  policy.watched_udp = udp.value();
  policy.enforce = enforce;
  return policy;
}

inline constexpr scan::HashKey kBenchKey = {0x9ae16a3b2f90404f, 0xc949d7c7509e6557,
                                            0xff51afd7ed558ccd, 0xc4ceb9fe1a85ec53};

class Engine {
 public:
  Engine(std::uint32_t sources, std::uint32_t blocks, bool enforce)
      : policy_(make_policy(enforce)),
        settings_{.sources = sources, .blocks = blocks, .key = kBenchKey},
        memory_(scan::Inspector::bytes_needed(settings_)),
        inspector_(settings_, memory_.bytes(), tally_) {}

  // Returns how many of the probes were dropped.
  std::uint64_t inspect(std::span<const wire::Probe> probes,
                        scan::Role role = scan::Role::actor) noexcept {
    now_ = now_ + step_;
    inspector_.inspect(probes, role, now_, policy_, verdicts_, outbox_);
    alerts_ += outbox_.alerts().size();
    outbox_.clear();
    if (!probes.empty()) last_verdict_ = verdicts_[probes.size() - 1];
    std::uint64_t drops = 0;
    for (std::size_t i = 0; i < probes.size(); ++i)
      drops += verdicts_[i] == scan::Verdict::drop ? 1 : 0;
    return drops;
  }
  void expect(std::span<const wire::Probe> probes, scan::Role role = scan::Role::actor) noexcept {
    inspector_.expect(probes, role, policy_);
  }
  // How much time a burst takes.
  void set_step(base::Micros step) noexcept { step_ = step; }
  void apply(const scan::Order& order) noexcept { inspector_.apply(order, policy_); }

  // Of the last probe of the last burst.
  [[nodiscard]] scan::Verdict last_verdict() const noexcept { return last_verdict_; }
  [[nodiscard]] const scan::Tally& tally() const noexcept { return tally_; }
  [[nodiscard]] const HugeMemory& memory() const noexcept { return memory_; }
  [[nodiscard]] std::uint64_t alerts() const noexcept { return alerts_; }

 private:
  scan::DetectionPolicy policy_;
  scan::InspectorSettings settings_;
  scan::Tally tally_;
  HugeMemory memory_;
  scan::Inspector inspector_;
  base::Micros now_ = base::seconds(1000), step_{1};
  std::array<scan::Verdict, scan::kBurstMax> verdicts_{};
  scan::Verdict last_verdict_ = scan::Verdict::pass;
  scan::AlertOutbox outbox_;
  std::uint64_t alerts_ = 0;
};

}  // namespace edgesentry::perf
