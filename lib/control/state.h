// What the control thread alone owns and its steps and commands share: ledger, lists, settings in
// force, and what the present round has to send and to say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/snapshot.h"
#include "base/units.h"
#include "config/config.h"
#include "control/clock.h"
#include "control/control_loop.h"
#include "control/numbers.h"
#include "control/pattern_keeper.h"
#include "control/recent_events.h"
#include "control/reload.h"
#include "control/top_sources.h"
#include "enforce/enforcer.h"
#include "policy/allow_list.h"
#include "policy/crowd.h"
#include "policy/decide.h"
#include "policy/decoys.h"
#include "policy/ledger.h"
#include "report/event.h"
#include "scan/detection_policy.h"
#include "scan/order.h"
#include "scan/tally.h"
#include "store/event_keeper.h"
#include "store/keeper.h"

namespace edgesentry::control {

// A walk through the ledger after the exemptions or the mode changed, a part each round: blocks
// that may no longer be are lifted.
struct Sweep {
  bool is_running = false;
  std::uint32_t cursor = 0;
};

enum class LiftKind : std::uint8_t {
  plain,   // it remains an offence
  pardon,  // it was wrong: the offence is taken back
};

struct ControlState {
  ControlState(ControlSettings settings, base::Published<scan::DetectionPolicy>& policy,
               Numbers& numbers);

  [[nodiscard]] bool enforces() const noexcept { return config.mode == config::Mode::enforce; }
  // Every packet passes at once, whatever the ledger says, until an operator ends it or the process
  // ends. Blocks go on being made, and are in force when it is over.
  void set_bypass(bool is_on);
  [[nodiscard]] bool is_bypassed() const noexcept { return is_bypassed_; }
  // What a block does in this mode and placement; the words are a part of a sentence.
  [[nodiscard]] report::Enforcement enforcement() const noexcept;
  [[nodiscard]] std::string enforcement_words() const;
  // To be added to what is said of drops: what an earlier run left and may go on dropping.
  [[nodiscard]] std::string left_words() const;
  [[nodiscard]] std::string bypass_words() const;  // while it is on; who has not confirmed it
  // The kernel of this machine, where it is to drop for us, by a filter that does so now if there
  // is one; nullptr where it is not.
  [[nodiscard]] const enforce::Enforcer* kernel_filter() const noexcept;
  [[nodiscard]] std::string_view placement_name() const noexcept;
  // The same answer for the same moment at every call: the distance between the two axes is that of
  // the start until the wall clock has been set by more than kWallStep.
  [[nodiscard]] WallTime wall_of(base::Micros then) const noexcept;
  [[nodiscard]] report::Event event_of(report::Action action, const base::Ip& source) const;

  void order(const base::Ip& source, scan::OrderKind kind);
  void say(report::Event event) { events.push_back(std::move(event)); }
  void say_appliance(std::string sentence);
  // False while failure.disk_full says that no block is made which could not be kept.
  [[nodiscard]] bool may_block() const noexcept;
  // Ends a block before its time: ledger, workers, numbers; the caller says why in an event.
  // False: it was not blocked.
  bool lift(const base::Ip& source, LiftKind kind = LiftKind::plain);
  // After `config` or `lists` changed: compiles the exemptions, publishes, starts the sweep.
  void adopt();

  config::Config config;  // in force: keys that wait for a restart keep their running value
  policy::AllowLists lists;
  std::string version;
  ConfigLoader load;
  NeverBanReader never_ban;
  std::function<guard::Standing()> standing;  // may be empty
  MachineFacts machine;
  std::string left_behind;  // an earlier run's; empty: nothing is known
  std::uint64_t generation = 1;
  scan::Proof needed_proof;  // as the published policy has it

  policy::Exemptions exempt;
  policy::Ledger ledger;
  policy::BlockBudget budget;
  policy::Crowds crowds;
  policy::Decoys decoys;
  Sweep sweep;
  RecentEvents recent;
  TopSources top;
  void look_at_clocks(Moment moment) noexcept;  // once a round
  Moment now;                                   // the one clock reading of a round
  Moment started;
  Moment axis;                // a moment on both axes, for wall_of()
  bool is_clock_set = false;  // since the archivist last looked

  std::vector<scan::Order> orders;    // of this round, in the order of the ledger's changes
  std::vector<base::Ip> changed;      // sources whose block is to be kept anew, or is over
  bool is_allow_changed = false;      // lists.live, since the archivist last looked
  std::vector<report::Event> events;  // of this round

  base::Published<scan::DetectionPolicy>& policy;
  Numbers& numbers;
  PatternKeeper* patterns = nullptr;                // may be absent
  std::vector<const scan::Tally*> tallies;          // one per worker; may hold nullptr
  std::vector<const enforce::Enforcer*> enforcers;  // for `status`
  const EventSink* sink = nullptr;                  // for `status`
  const store::Keeper* keeper = nullptr;            // for `status`; nullptr: memory only
  const store::EventKeeper* history = nullptr;      // nullptr: events are not kept
  std::optional<store::EventQuery> question;        // of the command that is being run
  const Conditions* conditions = nullptr;           // nullptr: nobody looks

 private:
  void publish();
  [[nodiscard]] std::string kernel_names() const;  // of those in force
  [[nodiscard]] std::string own_enforcement_words() const;

  bool is_bypassed_ = false;
};

}  // namespace edgesentry::control
