// Which sources are one scanner and the addresses it borrowed (nmap -D), and which of them it is.
//
// Workers own sources, so only their owner's reader sees that several sent the same probes at the
// same time. A decision on a source that has proven nothing waits here for kGrace; sources that
// share probes become a group. Of a group a member is blocked that completed a handshake, or that
// alone answered a server's SYN-ACK (scan/proof.h); the others are spared. A member that was
// blocked before its group was known, or before a second member answered, is given back.
//
// Owner: one thread (control, or replay); time is passed in. Fixed memory: kMembers sources are
// remembered, for kLife after their last alert. When half of them wait, decisions are made at once
// on what is known, as they are for sources whose probes say nothing about their sender. An alert
// costs O(log kMembers) amortised, whatever the sources: the control thread takes them at line
// rate.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/units.h"
#include "policy/slot_heap.h"
#include "policy/slot_list.h"
#include "policy/source_index.h"
#include "scan/alert.h"

namespace edgesentry::policy {

class Decoys {
 public:
  static constexpr base::Micros kGrace = base::milliseconds(100);
  static constexpr base::Micros kLife = base::seconds(600);
  // scanners' copies are sent within 0.1 ms; networks and workers' clocks add to that.
  static constexpr std::uint32_t kApartMsMax = 50;
  static constexpr std::uint32_t kShared = 2;  // probes in common that make a group
  static constexpr std::size_t kMembers = 1024;
  static constexpr std::size_t kHeldMax = kMembers / 2;

  enum class Advice : std::uint8_t { decide_now, wait };
  enum class Fate : std::uint8_t {
    decide,   // as any other source
    spare,    // no block: one of its group is the scanner, or another member is
    release,  // its block was wrong: take it back
  };
  struct Settled {
    Fate fate = Fate::decide;
    scan::Alert alert;
    std::string words;  // of the group, to go on a sentence with; empty outside of groups
  };

  Decoys();

  // Each alert of a source that is neither exempt nor blocked; `key` names the source in the
  // ledger. A proof alert always waits: it decides nothing by itself.
  [[nodiscard]] Advice take(const scan::Alert& alert, const base::Ip& key, base::Micros now);
  // What has waited long enough, one at a time, in an order that does not depend on that of the
  // alerts. With `all`, everything that waits.
  [[nodiscard]] std::optional<Settled> next(base::Micros now, bool all = false);
  [[nodiscard]] std::size_t held() const noexcept { return held_.size(); }

 private:
  enum class State : std::uint8_t { held, decided, spared };
  struct Member {
    base::Ip source;
    base::Micros seen;
    base::Micros due;         // while held
    std::uint32_t group = 0;  // 0: none
    State state = State::spared;
    bool answers = false;
    bool proven = false;
    bool owes_release = false;
    bool owes_growth = false;  // the scan grew while the decision waited
  };
  struct Trace {
    std::uint32_t hash = 0;
    std::uint32_t at_ms = 0;
    std::uint32_t member = 0;
  };
  static constexpr std::uint32_t kNobody = kNoSlot;
  static constexpr std::size_t kTraces = 1u << 15;
  static constexpr std::size_t kNamed = 8;  // of the others in a group

  struct Group {
    SlotList members;
    std::uint32_t reacting = 0;      // that answered or completed a handshake
    std::uint32_t stands = kNobody;  // decided without proof, as the only one that answered
    std::array<std::uint32_t, kNamed + 1> lead;  // the first members by address ...
    std::array<std::string, kNamed + 1> names;   // ... in words
    bool is_lead_stale = true;
  };

  // Something to say besides a decision; growth is told after the decision that it follows.
  [[nodiscard]] static bool owes_now(const Member& member) noexcept {
    return member.owes_release || (member.owes_growth && member.state == State::decided);
  }
  [[nodiscard]] static bool reacts(const Member& member) noexcept {
    return member.answers || member.proven;
  }
  [[nodiscard]] auto by_rank() const noexcept {
    return [this](std::uint32_t a, std::uint32_t b) {
      const Member &m = members_[a], &n = members_[b];
      return m.due != n.due ? m.due < n.due : m.source < n.source;
    };
  }
  [[nodiscard]] auto by_source() const noexcept {
    return [this](std::uint32_t slot) -> const base::Ip& { return members_[slot].source; };
  }
  [[nodiscard]] std::uint32_t find(const base::Ip& key, base::Micros now) const noexcept;
  [[nodiscard]] std::uint32_t claim(const base::Ip& key);
  void learn(std::uint32_t at, const scan::Alert& alert);
  void link(std::uint32_t at);
  void join(std::uint32_t a, std::uint32_t b);
  void enter(std::uint32_t at, std::uint32_t group);
  void leave(std::uint32_t at);
  void look_for_release(std::uint32_t at);
  [[nodiscard]] bool sent(std::uint32_t member, const scan::ProbeMark& mark) const noexcept;
  [[nodiscard]] bool may_be_blocked(const Member& member) const noexcept;
  void look_for_lead(Group& group);
  [[nodiscard]] std::string words_of(std::uint32_t at);
  void hold(std::uint32_t at, base::Micros due);
  void settle(std::uint32_t at, State state);
  void file(std::uint32_t at);

  std::vector<Member> members_;
  std::vector<scan::Alert> alerts_;   // what each member is decided on
  std::vector<scan::Alert> growths_;  // with `owes_growth`
  std::vector<Trace> traces_;         // who sent a probe last, by its hash
  std::uint32_t used_ = 0;            // members so far
  SourceIndex index_{kMembers};
  SlotHeap held_{kMembers};  // by due time
  SlotHeap owed_{kMembers};  // releases and growths
  SlotLinks idle_links_;
  SlotList idle_;  // neither held nor owed, heard of the longest ago first
  std::vector<Group> groups_;
  SlotLinks group_links_;
  std::vector<std::uint32_t> free_groups_;
  std::vector<std::uint32_t> sorted_;  // for look_for_lead
};

}  // namespace edgesentry::policy
