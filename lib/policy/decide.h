// What to do about an alert: evidence x history x settings. Used by the control thread and by
// replay; time is passed in, nothing is changed but the budget of new blocks per minute.
//
// In every path the exemptions come first, then observe mode, then proof of source: none of them
// can end in a block.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/units.h"
#include "policy/allow_list.h"
#include "policy/ledger.h"
#include "scan/alert.h"
#include "scan/detection_policy.h"

namespace edgesentry::policy {

enum class DecisionAction : std::uint8_t {
  block,
  would_block,  // observe mode
  report,       // below the trigger, or already blocked: say it, do nothing
  ignore,       // exempt: never blocked
  refuse_rate,  // a scanner, but too many new blocks this minute: reported only
  contain,  // a scanner, but anybody may have sent this in its name: only live services are left
};
inline constexpr std::array<std::string_view, 6> kDecisionActionNames = {
    "block", "would_block", "report", "ignore", "refuse_rate", "contain"};

struct Decision {
  DecisionAction action = DecisionAction::report;
  std::chrono::seconds duration{0};  // of a block or would-be block
  std::uint32_t offence = 0;         // which block of this source it is: 1 is the first
  bool already_blocked = false;      // or already shadowed, in observe mode
  bool is_stale = false;             // all of the evidence is older than the end of its last block
  Exempt exempt = Exempt::allowed_by_config;         // with `ignore`: why
  scan::Severity severity = scan::Severity::medium;  // with the history of the source
};

// New blocks of unproven sources in the last minute, exact to the second they fell in; O(1). A
// flood of forged scanners uses it up; sources that completed a handshake are blocked all the same.
class BlockBudget {
 public:
  explicit BlockBudget(std::uint32_t per_minute_max) noexcept : max_(per_minute_max) {}
  void adopt(std::uint32_t per_minute_max) noexcept { max_ = per_minute_max; }
  [[nodiscard]] bool try_take(base::Micros now) noexcept;
  [[nodiscard]] std::uint32_t taken() const noexcept { return taken_; }

 private:
  static constexpr std::uint64_t kSeconds = 60;
  std::uint32_t max_;
  std::uint32_t taken_ = 0;
  std::uint64_t second_ = 0;
  std::array<std::uint32_t, kSeconds> per_second_{};
};

struct Rules {
  const Exemptions& exempt;
  bool enforce = false;
  scan::Proof needed = scan::Proof::none;  // before a source is blocked
};

[[nodiscard]] Decision decide(const scan::Alert& alert, const Ledger& ledger, const Rules& rules,
                              BlockBudget& budget, base::Micros now);

// For people: who did what, and what tipped the scale.
[[nodiscard]] std::string scan_sentence(const scan::Alert& alert, const base::Prefix& source);
// The same, and what follows from it.
[[nodiscard]] std::string sentence(const Decision& decision, const scan::Alert& alert,
                                   const base::Prefix& source);
// "10 minutes", "1 hour 30 minutes", "7 days"; at most two units.
[[nodiscard]] std::string in_words(std::chrono::seconds duration);

}  // namespace edgesentry::policy
