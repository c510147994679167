// The second story: drain -> decide -> enforce -> record -> expire -> keep -> publish -> sleep.
//
// Owner: the control thread. It alone decides, keeps the ledger, publishes policies and answers
// commands. Every step is bounded by a constant and decisions of a round share one clock reading;
// nothing here waits, except sleep, which a command ends early. A full order ring or log queue
// never loses a block: orders wait or are replayed from the ledger, unsaid log lines are counted
// and said.
//
//   Mailbox mailbox;  Numbers numbers;  SystemClock clock;  EventSinkTo sink(dispatcher);
//   auto read = read_allow_lists(config);
//   base::Published<scan::DetectionPolicy> policy(workers, make_detection_policy(config,
//   read.lists)); ControlLoop control({config, read.lists}, {std::move(worker_links), policy, sink,
//   ...}); control.run(stop);      // on its own thread; mailbox.wake() after raising `stop`
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/ring.h"
#include "base/snapshot.h"
#include "config/config.h"
#include "control/archive.h"
#include "control/clock.h"
#include "control/conditions.h"
#include "control/event_sink.h"
#include "control/fault_switches.h"
#include "control/machine_facts.h"
#include "control/mailbox.h"
#include "control/numbers.h"
#include "control/pattern_keeper.h"
#include "control/reload.h"
#include "enforce/enforcer.h"
#include "guard/standing.h"
#include "policy/allow_list.h"
#include "scan/alert.h"
#include "scan/detection_policy.h"
#include "scan/order.h"
#include "scan/tally.h"
#include "store/event_keeper.h"
#include "store/keeper.h"

namespace edgesentry::control {

struct ControlSettings {
  config::Config config;
  policy::AllowLists lists;  // as read_allow_lists() gave them
  std::string version = "0.1.0";
  ConfigLoader load = config::load_file;  // what `reload` calls, with config.path
  NeverBanReader never_ban = read_never_ban;
  std::function<guard::Standing()> standing;  // for `status`; may be empty
  MachineFacts machine;                       // the same
  std::string left_behind;  // of an earlier run, what may go on dropping; a sentence, or empty
};

struct WorkerLink {
  base::RingReader<scan::Alert> alerts;
  base::RingWriter<scan::Order> orders;
  const scan::Tally* tally = nullptr;  // for `status`; may be absent
};

// The objects outlive the loop; `policy` is published by the loop only.
struct ControlLinks {
  std::vector<WorkerLink> workers;
  base::Published<scan::DetectionPolicy>& policy;
  EventSink& events;
  Mailbox& mailbox;
  Numbers& numbers;
  const Clock& clock;
  std::vector<enforce::Enforcer*> enforcers;  // beside the workers; may be empty
  PatternKeeper* patterns = nullptr;          // may be absent: a reload reads no patterns then
  store::Keeper* keeper = nullptr;            // nullptr: blocks end with the process
  store::EventKeeper* history = nullptr;      // nullptr: events are not kept
  const Conditions* conditions = nullptr;     // what is wrong now; may be absent
  const FaultSwitches* faults = nullptr;      // nullptr: nothing is tried out
};

class ControlLoop {
 public:
  ControlLoop(ControlSettings settings, ControlLinks links);
  ~ControlLoop();
  ControlLoop(const ControlLoop&) = delete;
  ControlLoop& operator=(const ControlLoop&) = delete;

  // Before run(): what an earlier run has kept. The blocked sources are for the workers, who have
  // to know them before they begin.
  Restored restore(std::vector<store::Record>&& records, const store::Allowed& allowed = {});

  // What the ledger has to be kept; not while run() is under way.
  [[nodiscard]] store::Everything everything() const;

  // Until `stop` is raised; then one last round, so that what was drained is also recorded.
  void run(const std::atomic<bool>& stop);

  // All steps but sleep, once. True: there is more to do at once, do not sleep.
  bool run_round();

  // A reload as on SIGHUP, at the next round. Any thread, async-signal-safe.
  void ask_reload() noexcept;

 private:
  struct Story;
  std::unique_ptr<Story> story_;
};

}  // namespace edgesentry::control
