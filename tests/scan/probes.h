// Probes made by hand, and an Inspector with its memory, for the tests of lib/scan.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "scan/inspect.h"
#include "wire/probe.h"

namespace edgesentry::scan {

inline constexpr HashKey kTestKey{0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb,
                                  0x2545f4914f6cdd1d};

inline base::Ip ip4(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return base::Ip::v4(a << 24 | b << 16 | c << 8 | d);
}

struct Flow {
  base::Ip source, target;
  std::uint16_t source_port = 40000, target_port = 80;
  [[nodiscard]] Flow back() const { return {target, source, target_port, source_port}; }
};

inline wire::Probe tcp(const Flow& flow, std::uint8_t flags, std::uint16_t payload = 0) {
  wire::Probe probe{};
  probe.outcome = wire::ParseOutcome::tcp;
  probe.protocol = 6;
  probe.source = flow.source;
  probe.target = flow.target;
  probe.source_port = flow.source_port;
  probe.target_port = flow.target_port;
  probe.tcp_flags = flags;
  probe.payload_bytes = payload;
  probe.ttl = 60;
  return probe;
}

inline wire::Probe udp(const Flow& flow) {
  wire::Probe probe = tcp(flow, 0, 20);
  probe.outcome = wire::ParseOutcome::udp;
  probe.protocol = 17;
  return probe;
}

inline wire::Probe icmp(const Flow& flow, std::uint8_t type, std::uint8_t code = 0) {
  wire::Probe probe = tcp({flow.source, flow.target, 0, 0}, 0);
  probe.outcome = wire::ParseOutcome::icmp;
  probe.protocol = 1;
  probe.icmp_type = type;
  probe.icmp_code = code;
  return probe;
}

// The ICMP port unreachable with which `flow.target` answers a UDP packet of that flow.
inline wire::Probe unreachable(const Flow& flow) {
  wire::Probe probe = icmp({flow.target, flow.source}, 3, 3);
  probe.quoted_protocol = 17;
  probe.quoted_source_port = flow.source_port;
  probe.quoted_target_port = flow.target_port;
  probe.acknowledgement = wire::fold(flow.target);
  return probe;
}

inline constexpr std::uint8_t kSynFlag = 0x02, kSynAck = 0x12, kAckFlag = 0x10, kRstAck = 0x14,
                              kRstFlag = 0x04, kFinAck = 0x11;

// One engine, its memory, and a clock that only the test moves.
class Bench {
 public:
  explicit Bench(std::uint32_t sources = 4096, std::uint32_t suspects = 256,
                 std::uint32_t blocks = 256, bool watches_arp = false, std::uint32_t slow = 1024) {
    settings.sources = sources;
    settings.suspects = suspects;
    settings.slow = slow;
    settings.blocks = blocks;
    settings.key = kTestKey;
    settings.watches_arp = watches_arp;
    policy.enforce = true;
    const std::size_t bytes = Inspector::bytes_needed(settings);
    memory_.reset(static_cast<std::byte*>(std::aligned_alloc(64, (bytes + 63) / 64 * 64)));
    std::fill_n(memory_.get(), bytes, std::byte{0});
    inspector = std::make_unique<Inspector>(settings, std::span(memory_.get(), bytes), tally);
  }

  // The packet as the outside port sees it.
  Verdict act(const wire::Probe& probe) {
    const Verdict verdict = inspect(probe, Role::actor);
    if (verdict == Verdict::answer && replies) {
      const bool opens = probe.outcome == wire::ParseOutcome::tcp && probe.tcp_flags == 0x02 &&
                         policy.verification.deception_tcp.contains(probe.target_port);
      inspector->note_reply(probe, opens ? ReplyKind::syn_ack : ReplyKind::challenge, now, policy);
    }
    return verdict;
  }
  // The packet as the inside port sees it.
  void hear(const wire::Probe& probe) { (void)inspect(probe, Role::answer); }
  // A SYN to a closed port and the RST that answers it, when it was let through.
  Verdict knock_closed(const Flow& flow) {
    const Verdict verdict = act(tcp(flow, kSynFlag));
    if (verdict == Verdict::pass) hear(tcp(flow.back(), kRstAck));
    return verdict;
  }
  // A whole conversation with an open port.
  void converse(const Flow& flow) {
    act(tcp(flow, kSynFlag));
    hear(tcp(flow.back(), kSynAck));
    act(tcp(flow, kAckFlag));
    act(tcp(flow, kAckFlag, 100));
    hear(tcp(flow.back(), kAckFlag, 500));
    act(tcp(flow, kFinAck));
  }
  void pass_time(base::Micros time) {
    now = now + time;
    for (int i = 0; i < 64; ++i) inspector->tick(now, policy, outbox);
    collect();
  }

  InspectorSettings settings;
  Tally tally;
  DetectionPolicy policy;
  AlertOutbox outbox;
  base::Micros now = base::seconds(1000);
  bool replies = true;        // to what wants an answer
  std::vector<Alert> alerts;  // all so far but clues
  std::vector<Alert> clues;   // all so far
  std::unique_ptr<Inspector> inspector;

 private:
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };

  Verdict inspect(const wire::Probe& probe, Role role) {
    now = now + base::milliseconds(1);
    Verdict verdict = Verdict::pass;
    inspector->inspect({&probe, 1}, role, now, policy, {&verdict, 1}, outbox);
    collect();
    return verdict;
  }
  void collect() {
    for (const Alert& alert : outbox.alerts())
      (alert.kind == AlertKind::clue ? clues : alerts).push_back(alert);
    outbox.clear();
  }

  std::unique_ptr<std::byte, Free> memory_;
};

}  // namespace edgesentry::scan
