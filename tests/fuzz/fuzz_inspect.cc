// Bytes as a sequence of packets, orders and pauses for one Inspector with tiny tables, so that
// every table overflows. Eight bytes a step: what, source, target, port (2), flags, traits, time.
#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "fuzz/fuzz.h"
#include "scan/inspect.h"

namespace {

using edgesentry::base::Ip;
using edgesentry::base::Micros;
using edgesentry::wire::ParseOutcome;
using edgesentry::wire::Probe;
namespace base = edgesentry::base;
namespace scan = edgesentry::scan;

constexpr std::size_t kStep = 8;
const Ip kAllowed = Ip::v4(0x14000003);

struct Step {
  const std::uint8_t* at;
  [[nodiscard]] Ip source() const {
    if (at[6] & 0x01) return Ip::from_bytes({0x20, 0x01, 0x0d, 0xb8, 0, at[1], 0, 0, 9});
    return Ip::v4(0x14000000u + at[1]);
  }
  [[nodiscard]] Ip target() const { return Ip::v4(0x0a000000u + at[2]); }
  [[nodiscard]] bool is_answer() const { return at[6] & 0x02; }
  [[nodiscard]] Probe probe() const {
    Probe probe{};
    probe.outcome = static_cast<ParseOutcome>(at[0] % 12);
    probe.source = is_answer() ? target() : source();
    probe.target = is_answer() ? source() : target();
    const auto port = static_cast<std::uint16_t>(at[3] << 8 | at[4]);
    probe.source_port = is_answer() ? port : 40000;
    probe.target_port = is_answer() ? 40000 : port;
    probe.tcp_flags = at[5];
    probe.icmp_type = at[5];
    probe.payload_bytes = at[6] >> 4;
    probe.protocol = at[3];
    probe.quoted_protocol = at[6] & 0x04 ? 6 : 0;
    probe.quoted_source_port = 40000;
    probe.quoted_target_port = port;
    if (at[6] & 0x01) probe.traits = edgesentry::wire::trait::kIpv6;
    if (at[6] & 0x08) {
      probe.traits |= edgesentry::wire::trait::kFragment;
      probe.identification = at[3];
      probe.quoted_source_port = static_cast<std::uint16_t>(at[4] << 3 | (at[5] & 1));
    }
    return probe;
  }
};

class Run {
 public:
  Run() : memory_(scan::Inspector::bytes_needed(settings_) / sizeof(Line) + 1) {
    const auto bytes = std::as_writable_bytes(std::span(memory_));
    inspector_.emplace(settings_, bytes, tally_);
    policy_.watched_tcp = edgesentry::base::PortSet::parse("1-7,23").value();
    const std::array allow = {base::Prefix(kAllowed, 32)};
    policy_.allow = base::CidrSet(allow);
    policy_.enforce = true;
    policy_.thresholds.window = base::seconds(60);
  }

  void step(const Step& step) {
    now_ = now_ + Micros{std::uint64_t{1} << (step.at[7] % 27)};
    if (step.at[0] < 0xf0) {
      packet(step);
    } else if (step.at[0] < 0xf8) {
      order(step);
    } else if (step.at[0] == 0xf8) {
      ask_for_proof(step.at[1]);
    } else {
      inspector_->tick(now_, policy_, outbox_);
      take_alerts(step.at[0] == 0xff);
    }
  }

 private:
  void order(const Step& step) {
    constexpr std::array kKinds = {scan::OrderKind::block, scan::OrderKind::lift,
                                   scan::OrderKind::contain};
    const scan::OrderKind kind = kKinds[step.at[0] % kKinds.size()];
    inspector_->apply({.source = step.source(), .kind = kind, .padding = {}}, policy_);
    if (kind != scan::OrderKind::block) is_dropped_[step.source()] = false;
  }

  // Another policy, as a reload brings it.
  void ask_for_proof(std::uint8_t how) {
    policy_.holds_bursts = how & 1;
    policy_.verification.mode = static_cast<scan::Verify>(how / 2 % 3);
    policy_.verification.needed = static_cast<scan::Proof>(how / 8 % 3);
    if (how & 0x20) policy_.verification.deception_tcp.insert(23);
    const std::array dark = {base::Prefix(Ip::v4(0x0a0000f0), 28)};
    if (how & 0x40) policy_.dark = base::CidrSet(dark);
  }

  void packet(const Step& step) {
    const Probe probe = step.probe();
    const scan::Role role = step.is_answer() ? scan::Role::answer : scan::Role::actor;
    scan::Verdict verdict{};
    inspector_->inspect({&probe, 1}, role, now_, policy_, {&verdict, 1}, outbox_);
    take_alerts(false);
    if (role == scan::Role::answer)
      EDGESENTRY_CHECK(verdict == scan::Verdict::pass, "what hosts answer is never dropped");
    if (role == scan::Role::answer || probe.outcome == ParseOutcome::arp) return;
    const bool is_restrained = verdict == scan::Verdict::hold || verdict == scan::Verdict::answer;
    EDGESENTRY_CHECK(probe.source != kAllowed || !is_restrained,
                     "nobody on the allow list has to prove anything");
    EDGESENTRY_CHECK(
        verdict != scan::Verdict::answer || policy_.verification.mode == scan::Verify::challenge,
        "only who challenges answers");
    bool& is_dropped = is_dropped_[probe.source];
    EDGESENTRY_CHECK(!is_dropped || verdict == scan::Verdict::drop,
                     "a source that is dropped stays so until it is lifted");
    is_dropped = verdict == scan::Verdict::drop;
  }

  void take_alerts(bool refuse) {
    for (const scan::Alert& alert : outbox_.alerts()) {
      EDGESENTRY_CHECK(static_cast<std::size_t>(alert.technique) < scan::kTechniqueNames.size() &&
                           static_cast<std::size_t>(alert.shape) < scan::kShapeNames.size() &&
                           static_cast<std::size_t>(alert.severity) < scan::kSeverityNames.size() &&
                           static_cast<std::size_t>(alert.reason) < scan::kReasonNames.size(),
                       "alerts speak the words that logs know");
      EDGESENTRY_CHECK(alert.last_seen >= alert.first_seen, "a scan ends after it began");
      EDGESENTRY_CHECK(!(alert.dropping && alert.allowed), "the allow list is never dropped");
      EDGESENTRY_CHECK(alert.source != kAllowed || !alert.dropping, "nor is anybody on it");
    }
    const bool again = refuse && !outbox_.alerts().empty();
    const scan::Alert first = again ? outbox_.alerts().front() : scan::Alert{};
    outbox_.clear();
    if (again) inspector_->offer_again(first);
  }

  struct alignas(base::kCacheLine) Line {
    std::byte bytes[base::kCacheLine];
  };
  scan::InspectorSettings settings_{
      .sources = 64, .suspects = 4, .slow = 8, .blocks = 256, .key = {1, 0x9e3779b97f4a7c15, 3, 5}};
  scan::Tally tally_;
  std::vector<Line> memory_;
  std::optional<scan::Inspector> inspector_;
  scan::DetectionPolicy policy_;
  scan::AlertOutbox outbox_;
  Micros now_ = base::seconds(1000);
  std::map<Ip, bool> is_dropped_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Run run;
  for (std::size_t i = 0; i + kStep <= size; i += kStep) run.step({data + i});
  return 0;
}

std::vector<edgesentry::fuzz::Bytes> edgesentry::fuzz::seeds() {
  using B = std::uint8_t;
  Bytes syns, refused, nulls, mixed;
  for (B i = 0; i < 40; ++i) {
    const Bytes syn = {0, 7, 1, 0, i, 0x02, 0, 10}, rst = {0, 7, 1, 0, i, 0x14, 2, 10};
    const Bytes null = {0, i, 1, 1, i, 0x00, 0, 3}, v6 = {0, 9, i, 0, 80, 0x02, 1, 12};
    const Bytes allowed = {0, 3, 1, 2, i, 0x29, 0, 10}, tick = {0xff, 0, 0, 0, 0, 0, 0, 22};
    const Bytes whole = {5, 11, 1, i, B(i % 5), 0x01, 0x88, 10};
    const Bytes proof = {0xf8, B(i * 13), 0, 0, 0, 0, 0, 1}, contain = {0xf2, 9, 0, 0, 0, 0, 0, 1};
    const Bytes lift = {0xf1, 7, 0, 0, 0, 0, 0, 1}, block = {0xf0, i, 0, 0, 0, 0, 0, 1};
    const auto add = [](Bytes& to, const Bytes& what) {
      to.insert(to.end(), what.begin(), what.end());
    };
    add(syns, syn);
    for (const Bytes& one : {syn, rst}) add(refused, one);
    add(nulls, null);
    for (const Bytes& one : {v6, allowed, tick, proof, syn, contain, whole, i == 20 ? lift : block})
      add(mixed, one);
  }
  return {syns, refused, nulls, mixed};
}
