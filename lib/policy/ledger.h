// Who is blocked until when, why, and how often before: the only authority on expiry.
//
// Owner: one thread (control, or replay). Pure: time is passed in, on one monotonic axis. Finding,
// blocking, lifting and expiring are O(1) amortised: a keyed index, a timer wheel for blocks, and
// lists in order of age for sources that are only remembered. Bounded: past `blocks_max` a block is
// refused (the caller counts it), past `history_max` the oldest memory goes. IPv6 sources are keyed
// at the configured prefix, so a /64 is one source however many of its addresses are seen.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/units.h"
#include "policy/slot_list.h"
#include "policy/source_index.h"
#include "policy/timer_wheel.h"
#include "scan/alert.h"

namespace edgesentry::policy {

inline constexpr base::Micros kForever{~std::uint64_t{0}};

enum class Standing : std::uint8_t {
  unknown,  // of a slot between two standings; never seen from outside
  noted,    // reported, never blocked
  blocked,
  shadow,      // observe mode: would be blocked
  remembered,  // was blocked; counts towards the ladder until it is forgotten
};

enum class Origin : std::uint8_t { detector, operator_order };

struct Entry {
  base::Ip source;  // the key: an IPv6 source with its host part cleared
  Standing standing = Standing::unknown;
  Origin origin = Origin::detector;
  bool is_offence = false;        // the last block is one of `offences`; an operator's is not
  std::uint32_t offences = 0;     // blocks by detectors so far, the present one included
  base::Micros since;             // of the last block
  base::Micros until;             // its end: blocked while now < until
  base::Micros quiet_since;       // last heard of; forgotten `forget_after` later
  base::Micros released;          // when its last block ended; 0: never
  base::Micros speak_again;       // for the log: until then its events are held back
  std::uint32_t held_events = 0;  // ... and this many have been
  std::unique_ptr<scan::Alert> evidence;  // of all workers, see merge_evidence(); may be none
  std::string reason;                     // an operator's words; empty for detectors
};

// What an earlier run knew of a source: all of an entry but its evidence.
struct Kept {
  base::Ip source;
  bool is_block = false;  // or a memory of one
  Origin origin = Origin::detector;
  bool is_offence = false;
  std::uint32_t offences = 0;
  base::Micros since, until, quiet_since, released;
  std::string reason;
};

struct LedgerSettings {
  std::vector<std::chrono::seconds> ladder = {std::chrono::seconds(600)};  // the last repeats
  std::chrono::seconds forget_after{7 * 24 * 3600};
  std::uint32_t blocks_max = 1u << 16;
  std::uint32_t history_max = 1u << 16;
  std::uint8_t ipv6_prefix = 64;
};

struct BlockRequest {
  base::Ip source;
  const scan::Alert* alert = nullptr;  // the evidence, where a detector asks
  Origin origin = Origin::detector;
  bool shadow = false;               // observe mode
  std::chrono::seconds duration{0};  // 0: the ladder decides
  std::string reason;
};

enum class BlockOutcome : std::uint8_t {
  added,
  merged,   // a detector's word on a source that is blocked already: evidence only
  renewed,  // an operator's word on one: the new duration counts from now
  full,     // refused: blocks_max are in force
};

struct BlockResult {
  BlockOutcome outcome = BlockOutcome::full;
  Entry* entry = nullptr;  // nullptr when full
  bool has_ended = false;  // an earlier block of it was over, or was only a shadow, and made way
  Standing ended = Standing::unknown;
};

// A block that ended by itself.
struct Expired {
  base::Ip source;
  Standing was = Standing::blocked;
  std::uint32_t offence = 0;  // 0: an operator's block, which is none
  base::Micros since, until;
};

class Ledger {
 public:
  explicit Ledger(LedgerSettings settings);

  // A reload: blocks in force keep their end.
  void adopt(std::vector<std::chrono::seconds> ladder, std::chrono::seconds forget_after);

  [[nodiscard]] base::Ip key_of(const base::Ip& ip) const noexcept;
  [[nodiscard]] base::Prefix prefix_of(const base::Ip& ip) const;

  [[nodiscard]] Entry* find(const base::Ip& ip) noexcept;
  [[nodiscard]] const Entry* find(const base::Ip& ip) const noexcept;
  [[nodiscard]] bool blocks(const base::Ip& ip, base::Micros now) const noexcept;

  // What the next block of this source would be. `entry` may be nullptr: a stranger.
  [[nodiscard]] std::uint32_t next_offence(const Entry* entry, base::Micros now) const noexcept;
  [[nodiscard]] std::chrono::seconds ladder_step(std::uint32_t offence) const noexcept;
  // Which offence the source's last block was; 0: none.
  [[nodiscard]] static std::uint32_t offence_of(const Entry& entry) noexcept {
    return entry.is_offence ? entry.offences : 0;
  }

  BlockResult block(const BlockRequest& request, base::Micros now);
  // Adds evidence; a stranger becomes `noted`. The entry is valid until the next call that changes
  // the ledger.
  Entry& note(const scan::Alert& alert, base::Micros now);
  // False: it was neither blocked nor shadowed.
  bool lift(const base::Ip& ip, base::Micros now);
  // Lifts a block that was wrong: the offence it counted as is taken back.
  bool pardon(const base::Ip& ip, base::Micros now);

  // A block or a memory of an earlier run; memories in the order of their quiet_since. False: no
  // room for one more block. What is forgotten by now, or known already, is left out.
  bool restore(Kept&& kept, base::Micros now);

  // The detector's block that ends soonest, of those in force; nullptr when there is none. With
  // very many that end together it is one of them. An operator's block is never it.
  [[nodiscard]] const Entry* soonest_to_end() const;
  // How many blocks may be made from now on; those in force stay. The settings' number is the most.
  void limit(std::uint32_t blocks) noexcept { limit_ = blocks; }
  [[nodiscard]] std::uint32_t limit() const noexcept { return limit_; }
  [[nodiscard]] bool is_full() const noexcept {
    return blocked_ + shadowed_ >= std::min(limit_, settings_.blocks_max);
  }

  // Blocks whose end is at or before `now`, at most out.size(); they become `remembered`. Forgets
  // old memories too. Bounded work per call: is_behind() says whether some is left.
  std::size_t expire(base::Micros now, std::span<Expired> out);
  [[nodiscard]] bool is_behind() const noexcept { return is_behind_; }

  // Every slot is visited once by going on from the returned cursor until it is 0 again; at most
  // `visits_max` slots a call, so a page may be short. Entries of every standing.
  struct Page {
    std::size_t count = 0;
    std::uint32_t next = 0;
  };
  Page page(std::uint32_t cursor, std::uint32_t visits_max, std::span<const Entry*> out) const;

  [[nodiscard]] std::uint32_t blocked() const noexcept { return blocked_; }
  [[nodiscard]] std::uint32_t shadowed() const noexcept { return shadowed_; }
  [[nodiscard]] std::uint32_t remembered() const noexcept { return remembered_.size(); }
  [[nodiscard]] std::uint32_t noted() const noexcept { return noted_.size(); }
  [[nodiscard]] const LedgerSettings& settings() const noexcept { return settings_; }

 private:
  static constexpr std::uint32_t kChunk = 1024;  // entries allocated at once, never given back

  [[nodiscard]] Entry& at(std::uint32_t slot) noexcept;
  [[nodiscard]] const Entry& at(std::uint32_t slot) const noexcept;
  [[nodiscard]] std::uint32_t slot_of(const base::Ip& key) const noexcept;
  [[nodiscard]] bool is_forgotten(const Entry& entry, base::Micros now) const noexcept;
  [[nodiscard]] bool is_long_ago(base::Micros quiet_since, base::Micros now) const noexcept;
  BlockResult renew(std::uint32_t slot, const BlockRequest& request, base::Micros now);
  static void add_evidence(Entry& entry, const scan::Alert& alert);
  std::uint32_t claim(const base::Ip& key);  // a slot for a stranger; evicts the oldest memory
  void drop(std::uint32_t slot);
  void leave_standing(std::uint32_t slot);
  void enter_standing(std::uint32_t slot, Standing standing);
  void release(std::uint32_t slot, base::Micros when);
  void forget_old(base::Micros now, std::size_t count_max);

  LedgerSettings settings_;
  std::vector<std::unique_ptr<Entry[]>> chunks_;
  std::vector<bool> is_used_;
  std::vector<std::uint32_t> free_;
  SourceIndex index_;
  TimerWheel wheel_;
  SlotLinks links_;
  SlotList remembered_;
  SlotList noted_;
  std::uint32_t blocked_ = 0;
  std::uint32_t shadowed_ = 0;
  bool is_behind_ = false;
  std::uint32_t limit_ = ~std::uint32_t{0};
};

// Counts of one worker are running totals, so the larger counts; across workers that is a lower
// bound, and the lists of ports and targets are united as far as they have room.
void merge_evidence(scan::Alert& into, const scan::Alert& from);

}  // namespace edgesentry::policy
