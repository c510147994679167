// A capture through the very engine that the workers run: wire::parse, roles_of, scan::Inspector,
// then policy; under the capture's own time. No root, no EAL, no network.
//
// Owner: one thread. Decisions come out as report::Event through a callback, in the order in which
// they fall. Every block lasts to the end of the capture: a replay answers who would be blocked,
// and each source is blocked once. The state is that of one capture; make a new Replay for the
// next.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "payload/watch.h"
#include "policy/allow_list.h"
#include "policy/crowd.h"
#include "policy/decide.h"
#include "policy/decoys.h"
#include "policy/ledger.h"
#include "replay/virtual_clock.h"
#include "report/event.h"
#include "scan/detection_policy.h"
#include "scan/inspect.h"
#include "wire/capture_file.h"

namespace edgesentry::replay {

inline constexpr std::uint16_t kWorkersMax = 64;

struct ReplayOptions {
  scan::DetectionPolicy detection;  // `enforce` is always on here: the question is who is blocked
  policy::LedgerSettings ledger;
  policy::Exemptions exempt;  // the same as in detection.allow, with the reasons
  std::uint32_t blocks_per_minute_max = 6000;
  std::uint16_t workers = 1;         // 1 to kWorkersMax; the decisions do not depend on it
  std::uint32_t sources = 1u << 18;  // tier 1 of each worker
  std::uint32_t suspects = 1u << 13;
  std::uint32_t blocks = 1u << 14;
  scan::HashKey key{0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0x2545f4914f6cdd1d};
  std::shared_ptr<const signature::Database> patterns;  // nullptr: payloads are left alone
  base::Micros run_on{};  // how long silence lasts after the last packet
};

struct ReplaySummary {
  std::uint64_t packets = 0, bytes = 0;
  std::array<std::uint64_t, wire::kParseOutcomes> parsed{};
  std::uint64_t sources = 0;           // admitted to the scan table
  std::uint64_t scans = 0;             // decisions of the detectors
  std::uint64_t scanning_sources = 0;  // the sources behind them
  std::uint64_t blocked_sources = 0;
  std::uint64_t dropped_packets = 0;  // of blocked sources, from the deciding packet on
  base::Micros first{}, last{};       // the capture's time of its first and last record
};

// Sums, and the span of time that covers both; for runs over several files.
void add(ReplaySummary& into, const ReplaySummary& from) noexcept;

class Replay {
 public:
  using EventSink = std::function<void(const report::Event&)>;
  Replay(ReplayOptions options, EventSink sink);
  ~Replay();
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  void take(const wire::Record& record, wire::LinkType link);
  ReplaySummary finish();  // once, after the last record

 private:
  struct Worker;
  void parse(const wire::Record& record, wire::LinkType link, wire::Probe& probe);
  void queue(const wire::Probe& probe, scan::Role role);
  void look_inside(const wire::Probe& probe, const scan::Roles& roles,
                   std::span<const std::uint8_t> frame);
  void flush(Worker& worker);
  void flush_all();
  void pass_time(base::Micros until);
  void decide(Worker& worker, base::Micros now);
  void decide_crowds(base::Micros now);
  void order_block(const base::Ip& source);
  [[nodiscard]] Worker& owner_of(const base::Ip& source);
  void take_alert(const scan::Alert& alert, base::Micros now);
  void settle_waiting(base::Micros now, bool all = false);
  void decide_one(const scan::Alert& alert, base::Micros now, const std::string& words = {});
  void spare(const policy::Decoys::Settled& settled);
  void release(const policy::Decoys::Settled& settled, base::Micros now);
  void let_in(const scan::Alert& alert);
  [[nodiscard]] report::Event event_of(const scan::Alert& alert) const;

  ReplayOptions options_;
  EventSink sink_;
  policy::Ledger ledger_;
  policy::BlockBudget budget_;
  policy::Crowds crowds_;
  std::vector<scan::Alert> clues_;  // of this instant, of all workers
  policy::Decoys decoys_;
  std::vector<scan::ServiceEntry> services_ =  // known to all workers
      std::vector<scan::ServiceEntry>(scan::kServiceEntries);
  std::vector<std::unique_ptr<Worker>> workers_;
  VirtualClock clock_;
  base::Micros ticked_{};
  base::Micros burst_time_{};  // of the probes that wait in the workers
  base::Micros captured_{};    // the same by the capture's clock, for the events
  std::vector<std::uint8_t> padded_;
  std::unordered_map<base::Ip, bool, base::IpHash> scanning_;  // source -> blocked
  ReplaySummary summary_;
};

// A whole file. `progress` is called now and then with the file's bytes consumed and in all. A file
// that is cut off or damaged has been replayed up to there, and `fault` says so.
struct FileReplay {
  ReplaySummary summary;
  std::string fault;  // empty: read to its end
};
using Progress = std::function<void(std::uint64_t consumed, std::uint64_t in_all)>;
FileReplay replay_file(wire::CaptureFile& file, Replay& replay, const Progress& progress);

}  // namespace edgesentry::replay
